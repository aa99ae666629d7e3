from src.api import make
application = make()
