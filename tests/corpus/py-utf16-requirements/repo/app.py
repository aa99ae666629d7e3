import os
from flask import Flask
app = Flask(__name__)
app.run(port=os.getenv("PORT", default=5000))
