import hashlib
import hmac
import json
import os
from unittest.mock import patch

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import TestCase

from frontend_site.testing import SignedIn, SiteClient

from .models import Note

ADA = SignedIn("ada@example.com", groups=["editors"])
BOB = SignedIn("bob@example.com")


class NoteTests(TestCase):
    client_class = SiteClient

    def test_a_visitor_is_led_to_sign_in(self):
        self.assertRedirects(
            self.client.get("/notes/"), "/login?next=/notes/", fetch_redirect_response=False
        )

    def test_a_note_is_its_owners(self):
        self.client.sign_in(ADA)
        self.client.post("/notes/new", {"text": "Milk"})
        self.assertContains(self.client.get("/notes/"), "Milk")
        self.client.sign_in(BOB)
        self.assertNotContains(self.client.get("/notes/"), "Milk")
        note = Note.objects.get()
        self.assertEqual(self.client.post(f"/notes/{note.pk}/delete").status_code, 404)
        self.assertEqual(self.client.get("/notes/count").json(), {"notes": 0})

    def test_an_attachment_is_its_owners(self):
        with self.settings(STORAGES=IN_MEMORY):
            self.client.sign_in(ADA)
            file = SimpleUploadedFile("list.txt", b"eggs")
            self.client.post("/notes/new", {"text": "Milk", "attachment": file})
            path = f"/notes/{Note.objects.get().pk}/attachment"
            self.assertEqual(b"".join(self.client.get(path)), b"eggs")
            self.client.sign_in(BOB)
            self.assertEqual(self.client.get(path).status_code, 404)

    def test_editors_see_everything(self):
        Note.objects.create(owner=BOB.id, text="Eggs")
        self.client.sign_in(ADA)
        self.assertContains(self.client.get("/notes/everything"), "Eggs")
        self.client.sign_in(BOB)
        self.assertEqual(self.client.get("/notes/everything").status_code, 403)

    @patch.dict(os.environ, {"NOTES_SECRET": "between us"})
    def test_a_machine_signs_what_it_sends(self):
        body = json.dumps({"owner": BOB.id, "text": "Pay"})
        signature = hmac.new(b"between us", body.encode(), hashlib.sha256).hexdigest()
        for given, status in ((signature, 201), ("wrong", 403)):
            answer = self.client.post(
                "/notes/reminder", body, "application/json", headers={"X-Signature": given}
            )
            self.assertEqual(answer.status_code, status)
        self.assertEqual(Note.objects.get().text, "Pay")


IN_MEMORY = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
