import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.net.URI;
import java.time.LocalDate;
import java.util.List;
import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.api.OpportunitiesApi;
import org.openapitools.client.model.ApiError;
import org.openapitools.client.model.CreateOpportunity;
import org.openapitools.client.model.Opportunity;
import org.openapitools.client.model.OpportunityPage;
import org.openapitools.client.model.UpdateOpportunity;

/** The round trip with the client that openapi-generator's `java` makes, on Java's own HttpClient. */
public final class RoundTrip {
  /** Without jackson-databind-nullable generated bodies leave out what is null: who clears a key says so. */
  static final class Clear extends UpdateOpportunity {
    @Override
    @JsonProperty("closeDate")
    @JsonInclude(JsonInclude.Include.ALWAYS)
    public LocalDate getCloseDate() {
      return null;
    }
  }

  static void check(boolean holds, Object what) {
    if (!holds) throw new AssertionError(what);
  }

  public static void main(String[] arguments) throws Exception {
    ApiClient client = new ApiClient();
    URI uri = URI.create(arguments[0]);
    client.setScheme(uri.getScheme()).setHost(uri.getHost()).setPort(uri.getPort()).setBasePath("");
    client.setRequestInterceptor(request -> request.header("Authorization", "Bearer " + arguments[1]));
    OpportunitiesApi deals = new OpportunitiesApi(client);

    int all = list(deals, null, null, null).getCount();
    List<String> stages = List.of("proposal", "negotiation");
    OpportunityPage page = list(deals, stages, LocalDate.of(2000, 1, 1), LocalDate.of(2099, 12, 31));
    check(page.getCount() > 0 && page.getCount() < all, page.getCount());
    page.getResults().forEach(deal -> check(stages.contains(deal.getStage().getValue()), deal));
    String account = page.getResults().get(0).getAccountId();
    for (double value : new double[] {143.48, 16777217, 9999999999999.99}) {
      LocalDate day = LocalDate.of(2027, 2, 28);
      CreateOpportunity body = new CreateOpportunity().name("Generated").accountId(account).value(value).closeDate(day);
      Opportunity made = deals.createOpportunity(body, null, null);
      check(made.getValue() == value && made.getCloseDate().equals(day), made);
      Opportunity cleared = deals.updateOpportunity(made.getId(), new Clear(), null, null, null);
      check(cleared.getValue() == value && cleared.getCloseDate() == null, cleared);
      int status = deals.deleteOpportunityWithHttpInfo(made.getId(), null, null, null).getStatusCode();
      check(status == 204, status);
    }
    try {
      deals.createOpportunity(new CreateOpportunity().name("Generated").accountId("acc_nowhere"), null, null);
      throw new AssertionError("created without an account");
    } catch (ApiException refused) {
      check(refused.getCode() == 422, refused);
      ApiError told = client.getObjectMapper().readValue(refused.getResponseBody(), ApiError.class);
      check(told.getErrors().get(0).getField().equals("accountId"), told);
    }
  }

  static OpportunityPage list(OpportunitiesApi deals, List<String> stages, LocalDate after, LocalDate before) throws ApiException {
    return deals.listOpportunities(null, null, null, stages, null, null, after, before, null, null, null, null, null, null, null, null, null);
  }
}
