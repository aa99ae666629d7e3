import os

from flask import Flask, jsonify, render_template

app = Flask(__name__)


@app.route("/")
def index():
    return render_template("index.html", heading="Bookshelf")


@app.route("/api/books")
def books():
    return jsonify([{"title": "Emma"}, {"title": "Persuasion"}])


if __name__ == "__main__":
    app.run(host="0.0.0.0", port=int(os.environ.get("PORT", 5000)), debug=True)
