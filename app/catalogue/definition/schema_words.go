package definition

import (
	"github.com/sportello-ticino/sportello/app/forms"
)

// word is what the schema says of a property beyond its type.
type word struct {
	says        string // what it is, for who writes a service
	cpsv        string // the term of CPSV-AP 3.2
	source      string // where the rule comes from
	enum        []string
	pattern     string
	least, most *int
	required    bool
}

func num(n int) *int { return &n }

const (
	sourceCEL   = "ops/docs/decisions/rules.md"
	sourceLayer = "ops/docs/decisions/services.md"
	daySchema   = `^\d{4}-\d{2}-\d{2}$`
)

// schemaWords are the words for each key of the types a definition is made of:
// "<type>.<key>". A key without words fails TestEveryKeyIsDescribed.
var schemaWords = map[string]word{
	"Definition.id":              {says: "Identifier, the file's name without .yaml; it stands in addresses and never changes.", cpsv: "dct:identifier", pattern: serviceID.String(), required: true},
	"Definition.version":         {says: "Counts the published versions of the shared definition, from 1.", cpsv: "owl:versionInfo", source: sourceLayer, least: num(1), required: true},
	"Definition.retire":          {says: "Drafts begun with an earlier version must move to this one.", source: sourceLayer},
	"Definition.category":        {says: "Theme of the catalogue it is listed under.", cpsv: "cv:thematicArea", enum: categories, required: true},
	"Definition.kind":            {says: "smart: answered at once where every check of `decision` holds. traditional: an official decides.", enum: serviceKinds, required: true},
	"Definition.title":           {says: "Name of the service, in four languages.", cpsv: "dct:title", required: true},
	"Definition.summary":         {says: "What it is, in one or two sentences.", cpsv: "dct:description", required: true},
	"Definition.audience":        {says: "Whom it is for.", cpsv: "dct:audience", enum: audiences, required: true},
	"Definition.life_events":     {says: "Moments of life by which people look for it.", cpsv: "cv:isGroupedBy cv:LifeEvent", enum: lifeEvents},
	"Definition.business_events": {says: "Moments of a firm's life by which firms look for it.", cpsv: "cv:isGroupedBy cv:BusinessEvent", enum: businessEvents},
	"Definition.keywords":        {says: "Other words people search by, in any language.", cpsv: "dcat:keyword"},
	"Definition.office":          {says: "Key of the office that answers, as in the commune's tenant.yaml.", cpsv: "cv:hasCompetentAuthority", required: true},
	"Definition.level":           {says: "Trust level asked of the applicant: 0 none, 1 e-mail confirmed, 2 address confirmed, 3 person verified, 4 e-ID.", source: "eCH-0170; AGOV", least: num(0), most: num(4), required: true},
	"Definition.mandates":        {says: "Whether somebody with a mandate may ask for another person."},
	"Definition.confirmation":    {says: "Other persons named in the form who must confirm the request by a mailed link before anybody works on it."},
	"Confirmation.of":            {says: "The persons: a group and, in it, a field of kind person with an e-mail address: <group>.<field>.", required: true},
	"Confirmation.days":          {says: "Days after which a request that was not confirmed lapses.", least: num(1), most: num(maxConfirmation), required: true},
	"Confirmation.remind":        {says: "Days after which whoever has not answered is reminded; never where nothing is said.", least: num(0), most: num(maxConfirmation)},
	"Definition.minutes":         {says: "Minutes it takes to fill in the form.", least: num(0), most: num(240)},
	"Definition.who":             {says: "Who may ask.", cpsv: "cv:hasRequirement", required: true},
	"Definition.who_list":        {says: "The same as a list, one case per line."},
	"Definition.needs":           {says: "What one needs beside the documents of the form, one thing per line.", cpsv: "cv:hasInput"},
	"Definition.term":            {says: "How long an answer takes.", cpsv: "cv:processingTime", required: true},
	"Definition.output":          {says: "What the applicant gets.", cpsv: "cpsv:produces", required: true},
	"Definition.legal_basis":     {says: "Law, regulation or ordinance, one per line.", cpsv: "cv:hasLegalResource", required: true},
	"Definition.remedy":          {says: "How a decision can be challenged, with the term.", source: "LPAmm (RL 165.100) art. 68; the regulation of the service"},
	"Definition.retention":       {says: "Days a case is kept after it is closed; 0 means 3650.", source: "LPDP (RL 163.100); the commune's archive plan", least: num(0), most: num(36500)},
	"Definition.channels":        {says: "Ways to ask; online and counter where nothing is said.", cpsv: "cv:hasChannel", enum: channels},
	"Definition.contact":         {says: "Whom to ask about this service, where it is not the office itself.", cpsv: "cv:hasContactPoint"},
	"Definition.note":            {says: "A word of the commune, shown on the card."},
	"Definition.paused":          {says: "Why the service cannot be asked for now; while it stands here nobody can begin.", cpsv: "adms:status"},
	"Definition.form":            {says: "The questions.", cpsv: "cv:hasInput", required: true},
	"Definition.fee":             {says: "What it costs. Empty is free.", cpsv: "cv:hasCost"},
	"Definition.limits":          {says: "Numbers the commune sets, named in rules as limits.<name>.", pattern: name.String()},
	"Definition.eligibility":     {says: "Conditions without which nobody may apply.", cpsv: "cv:hasRequirement", source: sourceCEL},
	"Definition.decision":        {says: "Checks that must hold for a smart service to grant by itself; one that does not refers the case to an official.", cpsv: "cpsv:Rule", source: sourceCEL},
	"Definition.examples":        {says: "Requests and what must come of them. A definition whose examples fail is not published.", source: "ops/docs/guides/service.md", required: true},

	"Definition.levels":        {says: "Trust levels by action, where they are not all the same.", source: "eCH-0170; AGOV"},
	"Definition.quota":         {says: "Only so many places: taken on submission, free again on refusal or withdrawal."},
	"Definition.budget":        {says: "Only so much money for a grant.", cpsv: "cv:hasCost"},
	"Definition.instalments":   {says: "The plan by which a sum is paid."},
	"Definition.notifications": {says: "What the service says by mail beyond the usual words.", source: "ops/docs/guides/service.md"},

	"Notifications.mail":     {says: "A sentence of the service's own in the applicant's mail, by moment of the case."},
	"Notifications.office":   {says: "Mails to the office that answers, at its address in tenant.yaml; none where nothing is said."},
	"Notifications.reminder": {says: "A mail before what was granted ends; the output needs its last day."},
	"MailWords.received":     {says: "The commune has the request."},
	"MailWords.queued":       {says: "The request waits for a place."},
	"MailWords.admitted":     {says: "A place is free."},
	"MailWords.missing":      {says: "The office asks for something more."},
	"MailWords.granted":      {says: "The decision grants the request."},
	"MailWords.refused":      {says: "The decision refuses it."},
	"MailWords.paid":         {says: "A fee that fell due with the decision has arrived."},
	"MailWords.ready":        {says: "The paper of a smart service is there."},
	"MailWords.expiring":     {says: "What was granted ends soon."},
	"OfficeMail.received":    {says: "A request came in that an official must look at."},
	"OfficeMail.paid":        {says: "A fee has arrived."},
	"Reminder.days":          {says: "How many days before the last one.", least: num(1), most: num(maxReminder), required: true},

	"Levels.begin":  {says: "Level asked of whoever begins a request; `level` where nothing is said.", least: num(0), most: num(4)},
	"Levels.submit": {says: "Level asked of whoever submits one; `level` where nothing is said.", least: num(0), most: num(4)},

	"Quota.title":  {says: "What the places are called on the card.", required: true},
	"Quota.key":    {says: "Expression that names the pot a request draws from; none where there is one number for all.", source: sourceCEL},
	"Quota.on":     {says: "Expression: the day the request is about; today where nothing is said.", source: sourceCEL},
	"Quota.per":    {says: "Period the places are for; for good where nothing is said.", enum: spans},
	"Quota.places": {says: "How many there are, without pots.", least: num(0)},
	"Quota.given":  {says: "Places of the period that were given outside this desk.", least: num(0)},
	"Quota.pots":   {says: "Places by name of pot."},
	"Quota.queue":  {says: "Whether requests may wait for a place; others are turned away before they are submitted."},
	"Pot.id":       {says: "Name of the pot, as `key` gives it.", required: true},
	"Pot.label":    {says: "What people read.", required: true},
	"Pot.places":   {says: "How many there are.", least: num(0), required: true},
	"Pot.given":    {says: "Places that were given outside this desk.", least: num(0)},

	"Budget.title": {says: "What the credit is called on the card.", required: true},
	"Budget.total": {says: "The credit of the period.", required: true},
	"Budget.spent": {says: "What was spent of it outside this desk."},
	"Budget.on":    {says: "Expression: the day the request is about; today where nothing is said.", source: sourceCEL},
	"Budget.per":   {says: "Period the credit is for; for good where nothing is said.", enum: spans},
	"Budget.grant": {says: "Expression in centimes: what the request would be paid.", source: sourceCEL, required: true},
	"Budget.queue": {says: "Whether requests may wait until there is money again."},

	"Instalments.total": {says: "Expression in centimes.", source: sourceCEL, required: true},
	"Instalments.count": {says: "Expression: how many.", source: sourceCEL, required: true},
	"Instalments.first": {says: "Expression: the day of the first.", source: sourceCEL, required: true},

	"Example.left":            {says: "What is left of places or credit; enough where nothing is said."},
	"ExampleLeft.places":      {says: "Places.", least: num(0)},
	"ExampleLeft.credit":      {says: "Credit."},
	"Expectation.pot":         {says: "The pot that is drawn from."},
	"Expectation.grant":       {says: "What would be paid."},
	"Expectation.instalments": {says: "The sums of the plan."},

	"Field.reuse":   {says: "Meaning the answer has beyond this form; it offers itself in the person's next one (app/forms/reuse.go lists the meanings)."},
	"Field.parts":   {says: "person, child: what is asked beside name and birth: avs, email, phone."},
	"Field.max_age": {says: "child: full years at most; 17 where nothing is said.", least: num(1), most: num(25)},
	"Field.fields":  {says: "group: what is asked of each item."},
	"Field.item":    {says: "group: what one item is called; the label where nothing is said."},
	"Field.add":     {says: "group: the button for another."},

	"Contact.phone": {says: "Telephone number as people write it.", cpsv: "cv:telephone"},
	"Contact.email": {says: "Mail address.", cpsv: "cv:email"},

	"Term.working_days": {says: "Working days until the answer, by the commune's calendar.", least: num(0), most: num(1000), required: true},
	"Term.text":         {says: "Words instead of the usual sentence."},

	"Output.kind":        {says: "What kind of result it is.", cpsv: "dct:type", enum: outputKinds, required: true},
	"Output.title":       {says: "Name on the paper and in the list of documents.", cpsv: "dct:title", required: true},
	"Output.summary":     {says: "What one gets, on the card.", cpsv: "dct:description", required: true},
	"Output.body":        {says: "Text of the paper: {commune}, {name}, {today}, {purpose}, {register.…} and {answers.<field>} are filled in; one paragraph per line."},
	"Output.valid_days":  {says: "Days the paper is valid; 0 for ever.", least: num(0)},
	"Output.valid_until": {says: "Expression: the last day of what is granted, where it does not count from the day of the paper.", source: sourceCEL},

	"Fee.due":      {says: "When it is paid; smart services on submission and others on decision where nothing is said.", enum: dues},
	"Fee.amounts":  {says: "Prices the commune sets, named in rules as amounts.<name>.", cpsv: "cv:value", pattern: name.String()},
	"Fee.lines":    {says: "What is added up."},
	"Fee.minimum":  {says: "Expression in centimes below which the fee does not fall.", source: sourceCEL},
	"Fee.shown":    {says: "Expression in centimes of amounts and limits: the price on the card.", source: sourceCEL},
	"Fee.from":     {says: "Whether the price on the card is the least one may pay."},
	"Fee.counter":  {says: "Price at the counter, where it differs."},
	"Fee.note":     {says: "A word on the fee.", cpsv: "dct:description"},
	"Fee.verified": {says: "Whether the amounts come from the commune's own ordinance; others must be confirmed on the console before anybody pays.", source: sourceLayer},

	"Amount.chf":   {says: "The price.", cpsv: "cv:value", required: true},
	"Amount.label": {says: "What it is for."},
	"Limit.value":  {says: "The number.", required: true},
	"Limit.label":  {says: "What it bounds."},

	"FeeLine.id":     {says: "Name of the line, its own within the fee.", pattern: name.String(), required: true},
	"FeeLine.label":  {says: "What people read on the bill.", required: true},
	"FeeLine.when":   {says: "Condition for the line; always where nothing is said.", source: sourceCEL},
	"FeeLine.amount": {says: "Expression in centimes.", source: sourceCEL, required: true},

	"Condition.id":     {says: "Name of the condition, its own within the service.", required: true},
	"Condition.holds":  {says: "Expression that is true or false.", source: sourceCEL, required: true},
	"Condition.reason": {says: "What a person reads when it does not hold.", required: true},

	"Form.steps": {says: "Pages of the form, each about one subject.", required: true},

	"Step.id":         {says: "Name of the step, its own within the form; it stands in addresses.", pattern: name.String(), required: true},
	"Step.title":      {says: "The step as a question.", required: true},
	"Step.intro":      {says: "Words before the questions, one paragraph per line."},
	"Step.visible_if": {says: "Condition on answers given before it.", source: sourceCEL},
	"Step.fields":     {says: "The questions of the step.", required: true},

	"Field.id":         {says: "Name of the answer, its own within the form.", pattern: name.String(), required: true},
	"Field.kind":       {says: "Kind of the field.", enum: forms.KindNames(), required: true},
	"Field.label":      {says: "The question.", required: true},
	"Field.help":       {says: "A hint below the question."},
	"Field.required":   {says: "Whether an answer must be given."},
	"Field.visible_if": {says: "Condition on answers given before it.", source: sourceCEL},
	"Field.prefill":    {says: "What is already known of the applicant: register.address, applicant.email."},
	"Field.missing":    {says: "Sentence shown when a required answer is missing, instead of the usual one."},
	"Field.options":    {says: "choice, many: what can be chosen."},
	"Field.min":        {says: "number: least value; money: francs; many: how many at least."},
	"Field.max":        {says: "number: greatest value; money: francs; many: how many at most; period: days at most."},
	"Field.decimals":   {says: "number: digits after the point.", least: num(0), most: num(3)},
	"Field.unit":       {says: "number: unit, as m²."},
	"Field.min_length": {says: "text, longtext: characters at least.", least: num(0)},
	"Field.max_length": {says: "text, longtext: characters at most.", least: num(0)},
	"Field.pattern":    {says: "text: regular expression (RE2) for the whole value."},
	"Field.format":     {says: "text: what the pattern asks, in words."},
	"Field.earliest":   {says: "date, period: first day, as today, today+2 or 2026-01-31."},
	"Field.latest":     {says: "date, period: last day, as today, today+365 or 2026-12-31."},
	"Field.max_files":  {says: "file: how many at most.", least: num(1), most: num(forms.MaxFilesPerField)},
	"Field.in_commune": {says: "place, address: whether the postcode must be the commune's."},
	"Field.evidence":   {says: "file: which document is asked for.", cpsv: "cv:Evidence"},

	"Evidence.shows": {says: "What the document must show.", cpsv: "dct:description", required: true},
	"Evidence.from":  {says: "Where one gets it.", cpsv: "cv:isProvidedBy"},

	"Option.value": {says: "What is stored and named in rules.", required: true},
	"Option.label": {says: "What people read.", required: true},
	"Option.help":  {says: "A hint below it."},

	"Example.name":      {says: "What it shows, in some words.", required: true},
	"Example.kind":      {says: "Pins the kind of service it was written for.", enum: serviceKinds},
	"Example.amounts":   {says: "Pins amounts, so that it holds where communes ask another price.", pattern: name.String()},
	"Example.limits":    {says: "Pins limits, for the same reason.", pattern: name.String()},
	"Example.today":     {says: "The day on which the request is made.", pattern: daySchema, required: true},
	"Example.applicant": {says: "Who asks.", required: true},
	"Example.register":  {says: "The register's record; none means that nobody was found."},
	"Example.answers":   {says: "Field → answer, as the API takes it; the postcode `here` is one of the commune's."},
	"Example.files":     {says: "Field → how many files."},
	"Example.expect":    {says: "What must come of it. What is left out is not tested.", required: true},

	"ExampleApplicant.level": {says: "Trust level.", least: num(0), most: num(4), required: true},
	"ExampleApplicant.kind":  {says: "person where nothing is said.", enum: applicants},
	"ExampleApplicant.for":   {says: "Another person, when acting by mandate."},

	"ExampleRegister.resident":    {says: "Whether the person is domiciled here."},
	"ExampleRegister.age":         {says: "Full years.", least: num(0), most: num(130)},
	"ExampleRegister.arrived":     {says: "Day of arrival in the commune.", pattern: daySchema},
	"ExampleRegister.household":   {says: "Persons of the household.", least: num(0)},
	"ExampleRegister.minors":      {says: "Minors in the household.", least: num(0)},
	"ExampleRegister.nationality": {says: "ISO 3166-1 alpha-2, CH for Swiss."},
	"ExampleRegister.postcode":    {says: "Postcode of the address."},
	"ExampleRegister.protected":   {says: "Whether a protective measure is on record."},
	"ExampleRegister.blocked":     {says: "Whether disclosure of the data is blocked."},

	"Expectation.fee":      {says: "The fee that is reckoned."},
	"Expectation.verdict":  {says: "What the rules say.", enum: verdicts},
	"Expectation.unmet":    {says: "Conditions and checks that do not hold; [] for none."},
	"Expectation.asked":    {says: "Fields that are shown."},
	"Expectation.hidden":   {says: "Fields that are not."},
	"Expectation.mistakes": {says: "Fields to correct; nothing else is tested then."},
}
