package com.example.starter_service;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.webmvc.test.autoconfigure.AutoConfigureMockMvc;
import org.springframework.http.HttpStatus;
import org.springframework.test.web.servlet.assertj.MockMvcTester;

/** What the service answers, without a network. */
@SpringBootTest
@AutoConfigureMockMvc
class ApplicationTest {

    @Autowired
    private MockMvcTester service;

    @Test
    void greets() {
        assertThat(service.get().uri("/"))
                .hasStatusOk()
                .bodyJson()
                .isLenientlyEqualTo("{\"message\": \"Hello from starter-service\"}");
    }

    @Test
    void isHealthy() {
        assertThat(service.get().uri("/healthz")).hasStatusOk().bodyJson().extractingPath("$.status").isEqualTo("UP");
    }

    @Test
    void answersLate() {
        var start = Instant.now();
        assertThat(service.get().uri("/slow?seconds=0.2")).hasStatusOk().bodyJson().extractingPath("$.slept").isEqualTo(0.2);
        assertThat(Duration.between(start, Instant.now())).isGreaterThanOrEqualTo(Duration.ofMillis(200));
    }

    @ParameterizedTest
    @ValueSource(strings = {"soon", "-1", "10.1", "NaN", "Infinity"})
    void refusesNonsense(String seconds) {
        assertThat(service.get().uri("/slow?seconds={seconds}", seconds)).hasStatus(HttpStatus.BAD_REQUEST);
    }

    @Test
    void knowsNoOtherPath() {
        assertThat(service.get().uri("/nowhere")).hasStatus(HttpStatus.NOT_FOUND);
    }
}
