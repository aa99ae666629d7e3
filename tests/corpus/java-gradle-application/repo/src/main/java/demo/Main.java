package demo;
public class Main { public static void main(String[] args) { Javalin.create().start(7070); } }
