@SpringBootApplication
class A {}
