"""The one application."""

from django.apps import AppConfig


class Deals(AppConfig):
    """Over tables that are there."""

    name = "tests.benchmarks.contenders.django_rest"
    label = "deals"
