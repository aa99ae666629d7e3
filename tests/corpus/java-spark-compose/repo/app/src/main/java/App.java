import static spark.Spark.*;
public class App { public static void main(String[] a) { port(8080); get("/", (q, s) -> "x"); } }
