package main

import (
	"bufio"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/cyan-cloud/cyan/watch/moment"
)

// clockHere is what times are read against that a person types here.
func clockHere() moment.Clock { return moment.Clock{Now: time.Now(), Here: time.Local} }

// moment reads the time of a flag. One that can mean several is asked back: on a
// terminal at once, elsewhere by failing with a spelling for each.
func (c *cli) moment(flag, text string) (moment.Time, error) {
	at, err := moment.Parse(text, clockHere())
	if err == nil {
		return at, nil
	}
	chosen, err := c.which(flag, err)
	if err != nil {
		return at, err
	}
	return moment.Parse(chosen.Type, clockHere())
}

// stretch reads a beginning and an end, likewise.
func (c *cli) stretch(flag, text string) (from, to moment.Time, err error) {
	if from, to, err = moment.ParseRange(text, clockHere()); err == nil {
		return from, to, nil
	}
	chosen, err := c.which(flag, err)
	if err != nil {
		return from, to, err
	}
	return moment.ParseRange(chosen.Type, clockHere())
}

// which asks a person which of several times is meant.
func (c *cli) which(flag string, err error) (meant moment.Choice, _ error) {
	ask, ok := errors.AsType[*moment.AskError](err)
	if !ok {
		return meant, err
	}
	text := "--" + flag + " " + strconv.Quote(ask.Text) + " " + ask.Why
	if len(ask.Choices) == 0 {
		return meant, misuse(text)
	}
	hints := make([]string, len(ask.Choices))
	for n, choice := range ask.Choices {
		hints[n] = "--" + flag + " '" + choice.Type + "'" + strings.TrimPrefix(choice.String(), choice.Type)
	}
	if !terminal(c.in) {
		return meant, misuse(text, hints...)
	}
	c.say("%s", text)
	for n, choice := range ask.Choices {
		c.say("  %d  %s", n+1, choice)
	}
	c.ask("Which one? ")
	line, _ := bufio.NewReader(c.in).ReadString('\n') // no answer is none of them
	n, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || n < 1 || n > len(ask.Choices) {
		return meant, misuse("none of them is meant", hints...)
	}
	return ask.Choices[n-1], nil
}
