package dynamodb

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// tag is a name and a value that the owner of a table has given it.
type tag struct{ Key, Value string }

// maxTags is how many tags a table may have.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TaggingRestrictions.html
const maxTags = 50

// Lengths of tags in characters, same source.
const (
	maxTagKey   = 128
	maxTagValue = 256
)

// tagAsSent is a tag of a request: what is absent is nil.
type tagAsSent struct{ Key, Value *string }

// checkTags wants tags well formed, each key once.
func checkTags(sent []tagAsSent) ([]tag, error) {
	var bad constraints
	for i, t := range sent {
		at := fmt.Sprintf("tags.%d.member.", i+1)
		bad.notNull(t.Key == nil, at+"key")
		bad.notNull(t.Value == nil, at+"value")
		if t.Key != nil && *t.Key == "" {
			bad.add("", at+"key", "Member must have length greater than or equal to 1")
		}
		if t.Key != nil && utf8.RuneCountInString(*t.Key) > maxTagKey {
			bad.add(*t.Key, at+"key", fmt.Sprintf("Member must have length less than or equal to %d", maxTagKey))
		}
		if t.Value != nil && utf8.RuneCountInString(*t.Value) > maxTagValue {
			bad.add(*t.Value, at+"value", fmt.Sprintf("Member must have length less than or equal to %d", maxTagValue))
		}
	}
	if err := bad.err(); err != nil {
		return nil, err
	}
	tags, seen := make([]tag, 0, len(sent)), map[string]bool{}
	for _, t := range sent {
		switch {
		case strings.HasPrefix(strings.ToLower(*t.Key), "aws:"):
			return nil, invalid("Tag Key cannot be prefixed with aws:, Key: %s", *t.Key)
		case strings.ContainsFunc(*t.Key, notInTag):
			return nil, invalid("The Tag Key provided is invalid, Key: %s", *t.Key)
		case strings.ContainsFunc(*t.Value, notInTag):
			return nil, invalid("The Tag Value provided is invalid, Value: %s", *t.Value)
		case seen[*t.Key]:
			return nil, invalid("Duplicate Tag Keys provided as input: Duplicate Tag Key found %s", *t.Key)
		}
		seen[*t.Key] = true
		tags = append(tags, tag{*t.Key, *t.Value})
	}
	return tags, nil
}

// notInTag says whether a character may not stand in a tag.
func notInTag(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsSpace(r) && !strings.ContainsRune("+-=._:/@", r)
}

// mergeTags are the tags of a table that gets more, in the order in which they came.
func mergeTags(old, more []tag) ([]tag, error) {
	all := slices.Clone(old)
	for _, t := range more {
		if i := slices.IndexFunc(all, func(o tag) bool { return o.Key == t.Key }); i >= 0 {
			all[i] = t
		} else {
			all = append(all, t)
		}
	}
	if len(all) > maxTags {
		return nil, invalid("Number of Tags exceed the current limit for the provided ResourceArn")
	}
	return all, nil
}

// tagged finds the table of a request about tags.
func (c *call) tagged(arn *string, missing func() error) (*table, error) {
	if arn == nil {
		return nil, invalid("Invalid TableArn")
	}
	t, rest, err := c.resource(*arn, missing)
	if err == nil && rest != "" {
		err = invalid("Invalid TableArn: Invalid ResourceArn provided as input %s", *arn)
	}
	return t, err
}

var (
	errNoTag    = invalid("Atleast one Tag needs to be provided as Input.")
	errNoTagKey = invalid("Atleast one Tag Key needs to be provided as Input.")
)

// tagResource answers with an empty body, as AWS does.
func (c *call) tagResource() error {
	var in struct {
		ResourceArn *string
		Tags        []tagAsSent
	}
	if err := c.decodeJSON(&in); err != nil {
		return err
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if in.ResourceArn != nil && in.Tags == nil {
		var bad constraints
		bad.notNull(true, "tags")
		return bad.err()
	}
	t, err := c.tagged(in.ResourceArn, func() error {
		if len(in.Tags) == 0 {
			return errNoTag
		}
		return refuse(codeNotFound, "Requested resource not found: ResourcArn: %s not found", *in.ResourceArn) // AWS's spelling
	})
	if err != nil {
		return err
	}
	if len(in.Tags) == 0 {
		return errNoTag
	}
	more, err := checkTags(in.Tags)
	if err != nil {
		return err
	}
	all, err := mergeTags(t.definition.Tags, more)
	if err != nil {
		return err
	}
	return c.change(t, func(d *definition) { d.Tags = all })
}

// untagResource answers with an empty body, as AWS does.
func (c *call) untagResource() error {
	var in struct {
		ResourceArn *string
		TagKeys     []string
	}
	if err := c.decodeJSON(&in); err != nil {
		return err
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if in.ResourceArn != nil && in.TagKeys == nil {
		var bad constraints
		bad.notNull(true, "tagKeys")
		return bad.err()
	}
	t, err := c.tagged(in.ResourceArn, func() error {
		if len(in.TagKeys) == 0 {
			return errNoTagKey
		}
		return errTableNotFound
	})
	if err != nil {
		return err
	}
	if len(in.TagKeys) == 0 {
		return errNoTagKey
	}
	left := slices.DeleteFunc(slices.Clone(t.definition.Tags), func(t tag) bool { return slices.Contains(in.TagKeys, t.Key) })
	return c.change(t, func(d *definition) { d.Tags = left })
}

// listTagsOfResource answers in one page. A table that is not there is answered as AWS answers
// for one of an account that is not the caller's.
func (c *call) listTagsOfResource() error {
	var in struct{ ResourceArn *string }
	if err := c.decodeJSON(&in); err != nil {
		return err
	}
	t, err := c.tagged(in.ResourceArn, func() error { return c.denied(*in.ResourceArn) })
	if err != nil {
		return err
	}
	tags := t.definition.Tags
	if tags == nil {
		tags = []tag{}
	}
	return c.encodeJSON(map[string]any{"Tags": tags})
}
