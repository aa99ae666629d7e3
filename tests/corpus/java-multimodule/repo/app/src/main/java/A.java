@SpringBootApplication
public class A { public static void main(String[] a) {} }
