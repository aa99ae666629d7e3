package com.acme;
@SpringBootApplication
public class App { public static void main(String[] args) {} }
