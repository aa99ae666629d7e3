fn r() { App::new().route("/health_check", web::get().to(h)) }
