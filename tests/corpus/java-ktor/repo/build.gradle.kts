plugins {
    kotlin("jvm") version "1.9.0"
    id("io.ktor.plugin") version "2.3.4"
}
application { mainClass.set("com.x.ApplicationKt") }
kotlin { jvmToolchain(17) }
dependencies { implementation("io.ktor:ktor-server-netty-jvm") }
