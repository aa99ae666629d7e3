WSGI_APPLICATION = 'mysite.wsgi.application'
