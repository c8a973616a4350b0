<?php
// The round trip with the client that openapi-generator's `php` makes, on Guzzle.
declare(strict_types=1);

use OpenAPI\Client\Api\OpportunitiesApi;
use OpenAPI\Client\ApiException;
use OpenAPI\Client\Configuration;
use OpenAPI\Client\Model\CreateOpportunity;
use OpenAPI\Client\Model\UpdateOpportunity;

// A warning would be a fault of the client or of what it was made of; only what newer versions of PHP call old is let pass.
set_error_handler(fn(int $level, string $text) => throw new ErrorException($text, $level), E_ALL & ~E_DEPRECATED);
require is_file('vendor/autoload.php') ? 'vendor/autoload.php' : 'GuzzleHttp/autoload.php';
spl_autoload_register(function (string $class): void {
    $file = __DIR__ . '/generated/lib/' . str_replace(['OpenAPI\\Client\\', '\\'], ['', '/'], $class) . '.php';
    is_file($file) && require $file;
});

function check(bool $holds, mixed $what): void
{
    $holds || throw new Exception(var_export($what, true));
}

[, $url, $token] = $argv;
$deals = new OpportunitiesApi(null, (new Configuration())->setHost($url)->setAccessToken($token));
$all = $deals->listOpportunities()->getCount();
$stages = ['proposal', 'negotiation'];
$page = $deals->listOpportunities(stage: $stages, close_date_after: '2000-01-01', close_date_before: '2099-12-31');
check($page->getCount() > 0 && $page->getCount() < $all, $page->getCount());
foreach ($page->getResults() as $deal) {
    check(in_array($deal->getStage(), $stages), $deal->getStage());
}
$account = $page->getResults()[0]->getAccountId();
foreach ([143.48, 16777217.0, 9999999999999.99] as $value) {
    $day = new DateTime('2027-02-28');
    $made = $deals->createOpportunity((new CreateOpportunity())->setName('Générée')->setAccountId($account)->setValue($value)->setCloseDate($day));
    check($made->getValue() === $value && $made->getCloseDate()->format('Y-m-d') === '2027-02-28', $made);
    $cleared = $deals->updateOpportunity($made->getId(), (new UpdateOpportunity())->setCloseDate(null));
    check($cleared->getValue() === $value && $cleared->getCloseDate() === null, $cleared);
    [, $status] = $deals->deleteOpportunityWithHttpInfo($made->getId());
    check($status === 204, $status);
}
try {
    $deals->createOpportunity((new CreateOpportunity())->setName('Generated')->setAccountId('acc_nowhere'));
    throw new Exception('created without an account');
} catch (ApiException $refused) {
    check($refused->getCode() === 422, $refused->getCode());
    check($refused->getResponseObject()->getErrors()[0]->getField() === 'accountId', $refused->getResponseBody());
}
