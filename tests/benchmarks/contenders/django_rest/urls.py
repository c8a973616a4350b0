"""The routes."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from .views import Opportunities

router = SimpleRouter()
router.register("opportunities", Opportunities)

urlpatterns = [path("api/", include(router.urls))]
