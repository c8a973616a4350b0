"""The view set, its filters and its pages."""

from typing import Any

from django_filters import rest_framework as filters
from rest_framework.pagination import PageNumberPagination
from rest_framework.viewsets import ModelViewSet

from .models import WORKSPACE, Opportunity, Stage
from .serializers import Detail, Item


class Filters(filters.FilterSet):
    stage = filters.TypedChoiceFilter(choices=[(name, name) for name in Stage.labels], coerce=Stage.labels.index)
    valueMin = filters.NumberFilter(method="at_least")
    closeDateAfter = filters.DateFilter("close_date", "gte")

    def at_least(self, deals: Any, _: str, value: Any) -> Any:
        return deals.filter(value_cents__gte=round(value * 100))


class Pages(PageNumberPagination):
    page_size = 20
    max_page_size = 100
    page_size_query_param = "limit"


class Opportunities(ModelViewSet):
    queryset = Opportunity.objects.filter(workspace_id=WORKSPACE)
    filterset_class = Filters
    pagination_class = Pages

    def get_queryset(self) -> Any:
        deals = super().get_queryset().select_related("account")
        return deals if self.action == "list" else deals.select_related("assigned_to").prefetch_related("links")

    def get_serializer_class(self) -> type[Item]:
        return Item if self.action == "list" else Detail
