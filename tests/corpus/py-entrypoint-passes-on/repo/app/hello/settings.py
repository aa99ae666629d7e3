WSGI_APPLICATION = "hello.wsgi.application"
