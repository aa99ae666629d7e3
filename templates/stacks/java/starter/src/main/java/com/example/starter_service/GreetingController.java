package com.example.starter_service;

import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpStatus;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.server.ResponseStatusException;

@RestController
class GreetingController {

    private static final Logger log = LoggerFactory.getLogger(GreetingController.class);

    record Greeting(String message) {}

    record Slept(double slept) {}

    @GetMapping("/")
    Greeting greet() {
        return new Greeting("Hello from starter-service");
    }

    /** Answers late, to watch a shutdown wait for it. */
    @GetMapping("/slow")
    Slept sleep(@RequestParam(defaultValue = "2") double seconds) throws InterruptedException {
        // Not the other way round: NaN is outside of every bound.
        if (!(seconds >= 0 && seconds <= 10)) {
            throw new ResponseStatusException(HttpStatus.BAD_REQUEST, "seconds must be between 0 and 10");
        }
        log.debug("answering in {} s", seconds);
        Thread.sleep(Duration.ofMillis(Math.round(seconds * 1000)));
        return new Slept(seconds);
    }
}
