public class C {}
