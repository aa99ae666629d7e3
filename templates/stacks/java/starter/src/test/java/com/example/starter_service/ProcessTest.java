package com.example.starter_service;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The service as a process of its own: its logs, its health check, and how it stops. */
class ProcessTest {

    private static final JsonMapper JSON = new JsonMapper();

    /** {@code SERVICE_JAR} names the jar where the tests run apart from the build, as in the test container. */
    private static ProcessBuilder java(Class<?> main, int port) {
        var java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        var classPath = System.getenv().getOrDefault("SERVICE_JAR", System.getProperty("java.class.path"));
        var builder = new ProcessBuilder(java, "-XX:TieredStopAtLevel=1", "-cp", classPath, main.getName());
        builder.environment().put("PORT", Integer.toString(port));
        return builder.redirectError(ProcessBuilder.Redirect.INHERIT);
    }

    private record Service(Process process, BufferedReader log, int port) implements AutoCloseable {

        static Service start() throws IOException {
            var builder = java(Application.class, 0);
            builder.environment().put("LOGGING_LEVEL_COM_EXAMPLE", "debug");
            var process = builder.start();
            var log = process.inputReader();
            return new Service(process, log, await(log, "listening"::equals).get("port").asInt());
        }

        /** Reads the log up to the line with such a message. */
        static JsonNode await(BufferedReader log, Predicate<String> message) {
            return lines(log)
                    .filter(line -> message.test(line.get("message").asString()))
                    .findFirst()
                    .orElseThrow();
        }

        static Stream<JsonNode> lines(BufferedReader log) {
            return log.lines().map(JSON::readTree);
        }

        HttpRequest get(String path) {
            return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path)).build();
        }

        Socket connect() throws IOException {
            return new Socket(InetAddress.getLoopbackAddress(), port);
        }

        /** A connection that the closing socket has not accepted yet is reset, a later one refused. */
        boolean refuses() throws IOException {
            try (var _ = connect()) {
                return false;
            } catch (SocketException _) {
                return true;
            }
        }

        void signal(String name) throws Exception {
            var kill = new ProcessBuilder("sh", "-c", "kill -s " + name + " " + process.pid()).inheritIO().start();
            assertThat(kill.waitFor()).isZero();
        }

        @Override
        public void close() throws IOException {
            process.destroyForcibly();
            log.close();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"TERM", "INT"})
    void finishesWhatIsInFlight(String signal) throws Exception {
        try (var service = Service.start();
                var client = HttpClient.newHttpClient();
                // Neither this connection nor the client's, which is kept alive, may hold the stop up.
                var _ = service.connect()) {
            client.send(service.get("/"), BodyHandlers.discarding());

            var answer = client.sendAsync(service.get("/slow?seconds=2"), BodyHandlers.ofString());
            Service.await(service.log, message -> message.startsWith("answering"));
            service.signal(signal);
            while (!service.refuses()) {
                assertThat(answer).as("answered, and new connections are still accepted").isNotDone();
            }

            assertThat(answer).isNotDone();
            assertThat(answer.join().statusCode()).isEqualTo(200);
            assertThat(answer.join().body()).isEqualTo("{\"slept\":2.0}");
            assertThat(service.process.waitFor(5, TimeUnit.SECONDS)).isTrue();
            assertThat(service.process.exitValue()).isZero();
        }
    }

    @Test
    void logsOneJsonObjectALine() throws Exception {
        try (var service = Service.start();
                var client = HttpClient.newHttpClient()) {
            client.send(service.get("/nowhere"), BodyHandlers.discarding());
            client.send(service.get("/healthz"), BodyHandlers.discarding());
            service.signal("TERM");

            List<JsonNode> requests = Service.lines(service.log)
                    .filter(line -> line.get("message").asString().equals("request"))
                    .toList();
            assertThat(requests).hasSize(1);
            assertThat(requests.getFirst().get("path").asString()).isEqualTo("/nowhere");
            assertThat(requests.getFirst().get("status").asInt()).isEqualTo(404);
        }
    }

    @Test
    void checksItsHealth() throws Exception {
        try (var service = Service.start();
                var client = HttpClient.newHttpClient()) {
            // The first request of all takes its time.
            client.send(service.get("/healthz"), BodyHandlers.discarding());
            assertThat(java(Healthcheck.class, service.port).start().waitFor()).isZero();

            service.signal("TERM");
            service.process.waitFor();
            assertThat(java(Healthcheck.class, service.port).start().waitFor()).isEqualTo(1);
        }
    }
}
