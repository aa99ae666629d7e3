package com.example.starter_service;

import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.URI;

/** Asks the service on {@code PORT} for its health: the image has no curl to do it. Quick, as it starts no Spring. */
class Healthcheck {

    private static final int TIMEOUT_MS = 2_000;

    public static void main(String[] args) {
        System.exit(isHealthy(System.getenv().getOrDefault("PORT", "8080")) ? 0 : 1);
    }

    private static boolean isHealthy(String port) {
        try {
            var health = URI.create("http://127.0.0.1:" + port + "/healthz").toURL();
            var connection = (HttpURLConnection) health.openConnection();
            connection.setConnectTimeout(TIMEOUT_MS);
            connection.setReadTimeout(TIMEOUT_MS);
            return connection.getResponseCode() == HttpURLConnection.HTTP_OK;
        } catch (IOException error) {
            System.err.println("unhealthy: " + error.getMessage());
            return false;
        }
    }
}
