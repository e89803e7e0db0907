"""A whole Django project: one page that takes a text or a photo and shows what the model makes of it.

HEADSTART_BUNDLE=photos-model python examples/django_view/project.py runserver 8001
"""

import os
from pathlib import Path

from django.conf import settings
from django.core.management import execute_from_command_line
from django.core.wsgi import get_wsgi_application
from django.shortcuts import render
from django.urls import path

from headstart import load_bundle

settings.configure(
    ALLOWED_HOSTS=["localhost", "127.0.0.1"],
    MIDDLEWARE=["django.middleware.security.SecurityMiddleware", "django.middleware.csrf.CsrfViewMiddleware"],
    ROOT_URLCONF=__name__,
    SECRET_KEY=os.environ.get("DJANGO_SECRET_KEY") or os.urandom(32).hex(),
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": [Path(__file__).parent]}],
)

bundle = load_bundle(os.environ["HEADSTART_BUNDLE"])  # once a process; requests may share it


def ask(request):
    """Show the form, and below it the answer to what was sent."""
    answer = None
    if request.method == "POST":
        photo = request.FILES.get("item")
        (answer,) = bundle.predictions([photo.read() if photo else request.POST.get("item", "")])
    status = 400 if answer and answer.error else 200
    return render(request, "page.html", {"bundle": bundle, "answer": answer}, status=status)


urlpatterns = [path("", ask)]
application = get_wsgi_application()

if __name__ == "__main__":
    execute_from_command_line()
