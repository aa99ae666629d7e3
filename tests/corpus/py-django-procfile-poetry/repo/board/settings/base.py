WSGI_APPLICATION = 'board.wsgi.application'
