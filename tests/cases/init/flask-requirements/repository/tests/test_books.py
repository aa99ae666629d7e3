from app import app


def test_books_are_listed():
    answer = app.test_client().get("/api/books")
    assert [book["title"] for book in answer.json] == ["Emma", "Persuasion"]


def test_the_page_has_its_heading():
    assert b"Bookshelf" in app.test_client().get("/").data
