fn main() { HttpServer::new(f).bind(("127.0.0.1", 8082)); }
