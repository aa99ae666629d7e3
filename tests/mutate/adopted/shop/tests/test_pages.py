import unittest

from shop.pages import page


class Pages(unittest.TestCase):
    def test_welcome(self):
        self.assertEqual(page("/"), (200, "Everything is sold here.\n"))

    def test_unknown(self):
        self.assertEqual(page("/else")[0], 404)


if __name__ == "__main__":
    unittest.main()
