"""Words that companies, people and deals are named with. `Müller:mueller` gives the form for addresses where it isn't the word itself."""


def _words(text: str) -> tuple[tuple[str, str], ...]:
    pairs = (word.replace("_", " ").partition(":") for word in text.split())
    return tuple((word, ascii_form or word.lower().replace(" ", "")) for word, _, ascii_form in pairs)


COMPANY_STEMS = _words(
    "Acme Alder Amberline Arcadia Aster Atlas Aurora Banyan Beacon Birchwood Bluepeak Borealis Brightwater Calder Cascade Cedar"
    " Cobalt Copperfield Crestview Dovetail Eastgate Elmhurst Ember Evergreen Fairway Falcon Fernhill Fieldstone Foxglove Garnet"
    " Glenmore Granite Greenfield Halcyon Harbor Hawthorn Highland Horizon Ironwood Juniper Keystone Kingfisher Lakeside Lanternworks"
    " Larkspur Linden Lodestar Longview Lumen Maplewood Marigold Meridian Millbrook Monarch Northwind Oakridge Onyx Orchard Osprey"
    " Palisade Pinnacle Quarry Redwood Ridgeline Riverbend Saffron Sequoia Silverline Skylark Solstice Sparrow Sterling Stonebridge"
    " Summit Tamarack Thornton Tidewater Trellis Umbra Vantage Verdant Vireo Westbrook Willow Windmere Wolfram Yarrow Zephyr Zenith"
    " Müller:mueller Schäfer:schaefer Grünwald:gruenwald Weißenfels:weissenfels Ångström:angstrom Østergård:ostergard"
    " Søndergaard:sondergaard Łódź:lodz Żubr:zubr Dvořák:dvorak Škoda-Nord:skodanord Çelik:celik Öztürk:ozturk İzmir:izmir Ñandú:nandu"
    " São_Bento:saobento Côte_d'Azur:cotedazur Étoile:etoile Brûlé:brule Reykjanes Þórshöfn:thorshofn Ελληνικά:ellinika Заря:zarya"
    " 東京:tokyo 富士:fuji 한빛:hanbit"
)
COMPANY_KINDS = _words(
    "Systems Software Analytics Robotics Logistics Freight Foods Dairy Energy Solar Water Media Studios Press Textiles Apparel Motors"
    " Aviation Marine Rail Steel Chemicals Polymers Paper Glass Ceramics Timber Farms Vineyards Breweries Hotels Travel Health Clinics"
    " Diagnostics Pharma Dental Optics Security Telecom Networks Cloud Semiconductors Instruments Tools Machinery Construction"
    " Properties Capital Insurance Payments Legal Consulting Staffing Learning Publishing Games Outdoor Sports Pets"
)
COMPANY_FORMS = _words("Inc Ltd GmbH AG S.A.:sa AB Oy B.V.:bv SpA LLC Co Group Corp KK")
INDUSTRIES = (
    "Software",
    "Manufacturing",
    "Logistics",
    "Healthcare",
    "Energy",
    "Retail",
    "Finance",
    "Education",
    "Construction",
    "Media",
    "Food & Beverage",
    "Telecommunications",
)
FIRST_NAMES = _words(
    "Alex Amara Anna Arjun Aisha Ben Camille Carlos Chloé:chloe Daniel Diego Elena Emre Erik Fatima Felix Grace Hannah Hiro Ingrid"
    " Isabel Jack Jana Jonas José:jose Julia Kai Katarína:katarina Kenji Lars Laura Léa:lea Liam Lucía:lucia Łukasz:lukasz Maja Marco"
    " Maria Mateo Mei Mia Mohamed Nadia Nils Noah Nora Olga Omar Paula Pavel Priya Quinn Rafael Ravi René:rene Rosa Sara Sean"
    " Siân:sian Sofia Søren:soren Tariq Thomas Uma Valentina Viktor Wei Yara Yuki Zoë:zoe Zuzana Юлия:yulia Νίκος:nikos 陽子:yoko"
)
LAST_NAMES = _words(
    "Adams Ahmed Almeida Andersson Bauer Becker Bianchi Brown Castillo Chen Costa Cruz Dubois Eriksen Evans Fischer Fontaine Fraser"
    " García:garcia Gómez:gomez Gupta Haddad Hansen Hernández:hernandez Horváth:horvath Ivanov Jansen Johnson Jónsdóttir:jonsdottir"
    " Kaya Khan Kim Kowalski Krüger:krueger Lambert Larsen Lee Lindqvist López:lopez Martin Meyer Moreau Müller:mueller Murphy"
    " Nakamura Nguyễn:nguyen Novák:novak Nowak O'Brien:obrien Okafor Olsen Park Patel Pereira Peters Popescu Quigley Rao Reyes Ricci"
    " Robinson Rossi Sato Schmidt Schröder:schroeder Silva Singh Smith Søndergaard:sondergaard Strauß:strauss Suzuki Szabó:szabo Tan"
    " Taylor Thompson Torres Vance Virtanen Wagner Wang Weber Wilson Wójcik:wojcik Yılmaz:yilmaz Young Zhang Zieliński:zielinski"
    " Иванова:ivanova Παπαδόπουλος:papadopoulos 佐藤:sato"
)
TITLES = (
    "Chief Executive Officer",
    "Chief Financial Officer",
    "Chief Technology Officer",
    "Head of Procurement",
    "Head of Operations",
    "IT Director",
    "Purchasing Manager",
    "Project Manager",
    "Sales Operations Lead",
    "Data Protection Officer",
    "Office Manager",
    "Systems Engineer",
)
PRODUCTS = (
    "Enterprise License",
    "Team License",
    "Professional Services",
    "Data Migration",
    "Premium Support",
    "Annual Renewal",
    "Platform Upgrade",
    "Analytics Add-on",
    "Security Audit",
    "Training Package",
    "Pilot Project",
    "Managed Hosting",
    "API Access",
    "Mobile Rollout",
    "Regional Expansion",
    "Integration Bundle",
)
SUFFIXES = ("", "", "", "", " Q1", " Q2", " Q3", " Q4", " (Phase 2)", " (Renewal)", " – 3 Years", " EMEA", " APAC")
SOURCES = ("inbound", "outbound", "referral", "partner", "event", "website", "cold call", "Messe München")
NEEDS = (
    "wants to replace a tool that is no longer maintained",
    "needs one view over the sales of all its subsidiaries",
    "asked for an offer after the spring fair",
    "is consolidating suppliers and has us on the short list",
    "must meet new reporting rules by the end of the year",
    "runs a pilot in two teams and would like to go on",
    "looks for help with moving ten years of records",
    "renews every year and asks for a discount each time",
)
STEPS = (
    "Next: a demo for the whole team.",
    "Next: legal reviews the contract.",
    "Next: the budget round in the coming quarter.",
    "Next: a call with procurement.",
    "A reference customer would help.",
    "The technical check is done.",
    "Price is the open question.",
    "",
)
LOSS_REASONS = (
    "Chose competitor — price was primary objection",
    "No budget this year",
    "Went with an in-house solution",
    "No decision, project stopped",
    "Missing feature: on-premises installation",
    "Contact left the company",
)
