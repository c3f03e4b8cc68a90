package local

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/registers"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/swiss"
)

// maxRows bounds one import: more people than any commune of the canton has.
const maxRows = 200_000

// csvColumns are the columns an import knows; the first seven and the address
// must be there.
var csvColumns = []string{
	"avs", "first_name", "last_name", "sex", "born", "civil_status", "nationality", "origin", "permit", "status", "street", "postcode",
	"town", "quarter", "egid", "ewid", "arrived", "moved_in", "departed", "came_from", "protected", "blocked", "household", "relation",
}

var requiredColumns = []string{"avs", "first_name", "last_name", "sex", "born", "street", "postcode", "town"}

// Record is a resident as the table keeps one.
type Record struct {
	registers.Person
	HouseholdKey string
	Relation     string
}

// LineError is a mistake in one line of an import.
type LineError struct {
	Line   int // of the file, from 1
	Column string
	Err    error
}

// Error names line and column.
func (e LineError) Error() string { return fmt.Sprintf("line %d, %s: %v", e.Line, e.Column, e.Err) }

// Unwrap gives the mistake itself.
func (e LineError) Unwrap() error { return e.Err }

// Report is what an import did, or would do.
type Report struct {
	Read    int         // lines with people
	Added   int         // not in the register before
	Changed int         // known, with other data
	Same    int         // known, nothing new
	Errors  []LineError // lines left out
}

// ReadCSV reads residents. A line with a mistake is left out and reported; a
// file whose columns are wrong is an error.
func ReadCSV(in io.Reader) ([]Record, []LineError, error) {
	buffered := bufio.NewReader(in)
	if mark, err := buffered.Peek(3); err == nil && string(mark) == "\ufeff" {
		if _, err := buffered.Discard(3); err != nil {
			return nil, nil, err
		}
	}
	first, err := buffered.Peek(4096)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
		return nil, nil, err
	}
	reader := csv.NewReader(buffered)
	if header, _, _ := strings.Cut(string(first), "\n"); strings.Count(header, ";") > strings.Count(header, ",") {
		reader.Comma = ';'
	}
	header, err := reader.Read()
	if err != nil {
		return nil, nil, fmt.Errorf("local: first line: %w", err)
	}
	for i, name := range header {
		header[i] = strings.ToLower(strings.TrimSpace(name))
		if !slices.Contains(csvColumns, header[i]) {
			return nil, nil, fmt.Errorf("local: unknown column %q", name)
		}
	}
	for _, name := range requiredColumns {
		if !slices.Contains(header, name) {
			return nil, nil, fmt.Errorf("local: column %q is missing", name)
		}
	}
	return readLines(reader, header)
}

func readLines(reader *csv.Reader, header []string) (records []Record, mistakes []LineError, err error) {
	seen := map[swiss.AVS]int{}
	for {
		fields, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return records, mistakes, nil
		}
		line, _ := reader.FieldPos(0)
		var parse *csv.ParseError
		if errors.As(err, &parse) {
			mistakes = append(mistakes, LineError{parse.Line, "all", parse.Err})
			continue
		}
		if err != nil {
			return nil, nil, fmt.Errorf("local: %w", err)
		}
		if len(records) >= maxRows {
			return nil, nil, fmt.Errorf("local: more than %d lines", maxRows)
		}
		record, wrong := parseLine(header, fields)
		if wrong == nil {
			if before, twice := seen[record.AVS]; twice {
				wrong = &LineError{Column: "avs", Err: fmt.Errorf("the same number is on line %d", before)}
			}
		}
		if wrong != nil {
			wrong.Line = line
			mistakes = append(mistakes, *wrong)
			continue
		}
		seen[record.AVS] = line
		records = append(records, record)
	}
}

func parseLine(header, fields []string) (Record, *LineError) {
	r := Record{Person: registers.Person{Status: registers.Domicile, CivilStatus: "1", Nationality: "CH"}}
	for i, name := range header {
		value := strings.TrimSpace(fields[i])
		if value == "" {
			if slices.Contains(requiredColumns, name) {
				return r, &LineError{Column: name, Err: errors.New("empty")}
			}
			continue
		}
		if err := r.set(name, value); err != nil {
			return r, &LineError{Column: name, Err: err}
		}
	}
	return r, nil
}

func (r *Record) set(name, value string) (err error) {
	words := map[string]*string{
		"first_name": &r.FirstName, "last_name": &r.LastName, "civil_status": &r.CivilStatus, "nationality": &r.Nationality,
		"origin": &r.Origin, "permit": &r.Permit, "street": &r.Street, "postcode": &r.Postcode, "town": &r.Town, "quarter": &r.Quarter,
		"came_from": &r.CameFrom, "household": &r.HouseholdKey, "relation": &r.Relation,
	}
	days := map[string]*string{"born": &r.Born, "arrived": &r.Arrived, "moved_in": &r.MovedIn, "departed": &r.Departed}
	switch into := words[name]; {
	case into != nil:
		*into = value
	case days[name] != nil:
		*days[name], err = parseDay(value)
	case name == "avs":
		r.AVS, err = swiss.ParseAVS(value)
	case name == "sex":
		if value != "f" && value != "m" {
			return errors.New("f or m was expected")
		}
		r.Sex = value
	case name == "status":
		r.Status = registers.Status(value)
		if !slices.Contains([]registers.Status{registers.Domicile, registers.Stay, registers.Departed}, r.Status) {
			return errors.New("domicile, stay or departed was expected")
		}
	case name == "egid":
		r.EGID, err = strconv.Atoi(value)
	case name == "ewid":
		r.EWID, err = strconv.Atoi(value)
	case name == "protected":
		r.Protected, err = strconv.ParseBool(value)
	case name == "blocked":
		r.Blocked, err = strconv.ParseBool(value)
	}
	return err
}

func parseDay(value string) (string, error) {
	for _, layout := range []string{time.DateOnly, "2.1.2006"} {
		if t, err := time.Parse(layout, value); err == nil {
			return t.Format(time.DateOnly), nil
		}
	}
	return "", errors.New("a day like 2026-03-14 or 14.03.2026 was expected")
}

// Import puts residents into the commune's register, by AVS number. With dryRun
// it only says what it would do. Nobody is removed: who leaves is departed.
func Import(tx *tenancy.Tx, records []Record, today time.Time, dryRun bool) (Report, error) {
	report := Report{Read: len(records)}
	for start := 0; start < len(records); start += 500 {
		part := records[start:min(start+500, len(records))]
		known, err := knownRecords(tx, part)
		if err != nil {
			return report, err
		}
		batch := &pgx.Batch{}
		for _, r := range part {
			was, found := known[r.AVS]
			switch {
			case !found:
				report.Added++
			case was.fingerprint == r.fingerprint():
				report.Same++
				continue
			default:
				report.Changed++
			}
			if err := r.queue(tx, batch, was.id, today); err != nil {
				return report, fmt.Errorf("local: %w", err)
			}
		}
		if dryRun || batch.Len() == 0 {
			continue
		}
		if err := tx.Batch(batch).Close(); err != nil {
			return report, fmt.Errorf("local: %w", err)
		}
	}
	return report, nil
}

// fingerprint tells two records of a person apart, as the database does.
func (r Record) fingerprint() string {
	return strings.Join([]string{
		r.FirstName, r.LastName, r.Sex, r.Born, r.CivilStatus, r.Nationality, r.Origin, r.Permit, string(r.Status), r.Street,
		r.Postcode, r.Town, r.Quarter, strconv.Itoa(r.EGID), strconv.Itoa(r.EWID), r.Arrived, r.MovedIn, r.Departed, r.CameFrom,
		strconv.FormatBool(r.Protected), strconv.FormatBool(r.Blocked), r.HouseholdKey, r.Relation,
	}, "\x1f")
}

// known is a resident as the register has one.
type known struct {
	id          uuid.UUID // zero in a commune whose schema is older than its keys
	fingerprint string
}

func knownRecords(tx *tenancy.Tx, part []Record) (map[swiss.AVS]known, error) {
	numbers, hashes := make([]string, len(part)), make([][]byte, len(part))
	byHash := map[string]swiss.AVS{}
	columns, where := "'00000000-0000-0000-0000-000000000000'::uuid, avs, null::bytea", "avs = any($1) and $2::bytea[] is not null"
	sealed := tx.Tenant().Sealed()
	if sealed {
		columns, where = "id, avs, avs_index", "(avs = any($1) or avs_index = any($2))"
	}
	k, err := tx.Keys()
	if err != nil {
		return nil, fmt.Errorf("local: %w", err)
	}
	for i, r := range part {
		numbers[i] = string(r.AVS)
		if sealed {
			if hashes[i], err = k.Index(string(r.AVS), index); err != nil {
				return nil, fmt.Errorf("local: %w", err)
			}
			byHash[string(hashes[i])] = r.AVS
		}
	}
	rows, err := tx.Query(`select `+columns+`, concat_ws(chr(31), first_name, last_name, sex, born, civil_status, nationality, origin, permit,
		status, street, postcode, town, quarter, egid, ewid, coalesce(arrived::text, ''), coalesce(moved_in::text, ''),
		coalesce(departed::text, ''), came_from, case when protected then 'true' else 'false' end,
		case when blocked then 'true' else 'false' end, household, relation)
		from residents where `+where, numbers, hashes)
	if err != nil {
		return nil, fmt.Errorf("local: %w", err)
	}
	defer rows.Close()
	out := map[swiss.AVS]known{}
	for rows.Next() {
		var one known
		var number *string
		var hash []byte
		if err := rows.Scan(&one.id, &number, &hash, &one.fingerprint); err != nil {
			return nil, fmt.Errorf("local: %w", err)
		}
		if number != nil {
			out[swiss.AVS(*number)] = one
		} else {
			out[byHash[string(hash)]] = one
		}
	}
	return out, rows.Err()
}

// queue writes one record; id is the resident's own, zero for a new one.
func (r Record) queue(tx *tenancy.Tx, batch *pgx.Batch, id uuid.UUID, today time.Time) error {
	key, keyed, values := "avs", []any{string(r.AVS)}, "$1"
	conflict := ""
	if tx.Tenant().Sealed() {
		if id == uuid.Nil {
			id = uuid.New()
		}
		hash, sealed, err := sealNumber(tx, id, r.AVS)
		if err != nil {
			return err
		}
		key, keyed, values = "id, avs_index, avs_sealed", []any{id, hash, sealed}, "$1, $2, $3"
		conflict = "avs = null, avs_index = excluded.avs_index, avs_sealed = excluded.avs_sealed, "
	}
	on, _, _ := strings.Cut(key, ",")
	args := append(keyed, r.FirstName, r.LastName, r.Sex, r.Born, r.CivilStatus, r.Nationality, r.Origin, r.Permit, string(r.Status),
		r.Street, r.Postcode, r.Town, r.Quarter, r.EGID, r.EWID, r.Arrived, r.MovedIn, r.Departed, r.CameFrom, r.Protected, r.Blocked,
		r.HouseholdKey, r.Relation, today.Format(time.DateOnly))
	forms := []string{"%s", "%s", "%s", "%s::text::date", "%s", "%s", "%s", "%s", "%s", "%s", "%s", "%s", "%s", "%s", "%s",
		"nullif(%s::text, '')::date", "nullif(%s::text, '')::date", "nullif(%s::text, '')::date", "%s", "%s", "%s", "%s", "%s", "%s::text::date"}
	for i, form := range forms {
		values += ", " + fmt.Sprintf(form, "$"+strconv.Itoa(len(keyed)+1+i))
	}
	batch.Queue(`insert into residents (`+key+`, first_name, last_name, sex, born, civil_status, nationality, origin, permit, status, street,
			postcode, town, quarter, egid, ewid, arrived, moved_in, departed, came_from, protected, blocked, household, relation, recorded_at)
		values (`+values+`)
		on conflict (`+on+`) do update set `+conflict+`first_name = excluded.first_name, last_name = excluded.last_name, sex = excluded.sex,
			born = excluded.born, civil_status = excluded.civil_status, nationality = excluded.nationality, origin = excluded.origin,
			permit = excluded.permit, status = excluded.status, street = excluded.street, postcode = excluded.postcode,
			town = excluded.town, quarter = excluded.quarter, egid = excluded.egid, ewid = excluded.ewid, arrived = excluded.arrived,
			moved_in = excluded.moved_in, departed = excluded.departed, came_from = excluded.came_from,
			protected = excluded.protected, blocked = excluded.blocked, household = excluded.household,
			relation = excluded.relation, recorded_at = excluded.recorded_at`, args...)
	return nil
}
