from django.test import TestCase

from entries.models import Entry


class EntriesTest(TestCase):
    def test_entries_are_listed(self):
        Entry.objects.create(text="We were here.")
        self.assertEqual(self.client.get("/entries/").json(), {"entries": ["We were here."]})
