package com.example.starter_service;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;

@SpringBootApplication
public class Application {

    private static final Logger log = LoggerFactory.getLogger(Application.class);

    public static void main(String[] args) {
        var environment = SpringApplication.run(Application.class, args).getEnvironment();
        // The last thing that a stop does. Without it the JVM exits with 143 on SIGTERM, however well all went.
        SpringApplication.getShutdownHandlers().add(() -> Runtime.getRuntime().halt(0));
        log.atInfo()
                .addKeyValue("port", environment.getProperty("local.server.port", Integer.class))
                .log("listening");
    }
}
