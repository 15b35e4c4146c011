// SPDX-License-Identifier: MIT
// Copyright the nacre authors

// Command porcupine-check judges histories with Porcupine, for comparison with tests/torture/linear.py. Standard input
// has one history a line, an array of operations; standard output gets "Ok", "Illegal" or "Unknown" for each.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/anishathalye/porcupine"
)

type operation struct {
	Kind     string
	Begin    int64
	End      int64
	Value    int
	Expected int
	Optional bool
}

func step(state, input, output interface{}) []interface{} {
	op, held := input.(operation), state.(int)
	var after []interface{}
	switch op.Kind {
	case "write":
		after = []interface{}{op.Value}
	case "remove":
		after = []interface{}{0}
	case "swap":
		if held == op.Expected {
			after = []interface{}{op.Value}
		}
	case "read":
		if held == op.Value {
			after = []interface{}{held}
		}
	case "present":
		if held != 0 {
			after = []interface{}{held}
		}
	case "not":
		if held != op.Value {
			after = []interface{}{held}
		}
	}
	if op.Optional {
		after = append(after, held)
	}
	return after
}

func main() {
	model := porcupine.NondeterministicModel{
		Init:  func() []interface{} { return []interface{}{0} },
		Step:  step,
		Equal: func(a, b interface{}) bool { return a == b },
	}
	register := model.ToModel()
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<26)
	for lines.Scan() {
		var told []operation
		if err := json.Unmarshal(lines.Bytes(), &told); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		history := make([]porcupine.Operation, len(told))
		for i, op := range told {
			history[i] = porcupine.Operation{ClientId: i, Input: op, Call: op.Begin, Output: 0, Return: op.End}
		}
		fmt.Println(porcupine.CheckOperationsTimeout(register, history, 20*time.Second))
	}
}
