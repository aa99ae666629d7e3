from django.http import JsonResponse
from django.urls import path

from entries.models import Entry


def health(request):
    return JsonResponse({"status": "ok"})


def entries(request):
    return JsonResponse({"entries": list(Entry.objects.values_list("text", flat=True))})


urlpatterns = [path("health/", health), path("entries/", entries)]
