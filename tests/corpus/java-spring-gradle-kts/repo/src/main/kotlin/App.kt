@SpringBootApplication
class App
fun main(args: Array<String>) {}
