// The round trip with the client that openapi-generator's `go` makes.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	openapi "gateway.test/client"
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func check(holds bool, what ...any) {
	if !holds {
		panic(fmt.Sprint(what...))
	}
}

func main() {
	configuration := openapi.NewConfiguration()
	configuration.Servers = openapi.ServerConfigurations{{URL: os.Args[1]}}
	deals := openapi.NewAPIClient(configuration).OpportunitiesAPI
	ctx := context.WithValue(context.Background(), openapi.ContextAccessToken, os.Args[2])

	all, _, err := deals.ListOpportunities(ctx).Execute()
	must(err)
	stages := []string{"proposal", "negotiation"}
	page, _, err := deals.ListOpportunities(ctx).Stage(stages).CloseDateAfter("2000-01-01").CloseDateBefore("2099-12-31").Execute()
	must(err)
	check(page.Count > 0 && page.Count < all.Count, "deals in two stages: ", page.Count)
	for _, deal := range page.Results {
		check(deal.Stage == stages[0] || deal.Stage == stages[1], deal.Stage)
	}
	for _, value := range []float64{143.48, 16777217, 9999999999999.99} {
		body := openapi.NewCreateOpportunity("Generated", page.Results[0].AccountId)
		body.SetValue(value)
		body.SetCloseDate("2027-02-28")
		made, _, err := deals.CreateOpportunity(ctx).CreateOpportunity(*body).Execute()
		must(err)
		check(*made.Value.Get() == value, "created ", *made.Value.Get())
		change := openapi.NewUpdateOpportunity()
		change.SetCloseDateNil()
		cleared, _, err := deals.UpdateOpportunity(ctx, made.Id).UpdateOpportunity(*change).Execute()
		must(err)
		check(*cleared.Value.Get() == value && cleared.CloseDate.Get() == nil, "cleared ", cleared)
		answer, err := deals.DeleteOpportunity(ctx, made.Id).Execute()
		must(err)
		check(answer.StatusCode == 204, answer.Status)
	}
	_, answer, err := deals.CreateOpportunity(ctx).CreateOpportunity(*openapi.NewCreateOpportunity("Generated", "acc_nowhere")).Execute()
	check(answer != nil && answer.StatusCode == 422, answer)
	var refused *openapi.GenericOpenAPIError
	check(errors.As(err, &refused), err)
	told, ok := refused.Model().(openapi.ApiError)
	check(ok && told.Errors[0].Field == "accountId", refused.Model())
}
