plugins {
    id("org.springframework.boot") version "3.1.0"
    kotlin("jvm") version "1.8.21"
}
version = "1.2.0"
java { toolchain { languageVersion.set(JavaLanguageVersion.of(21)) } }
dependencies { implementation("org.springframework.boot:spring-boot-starter-web") }
