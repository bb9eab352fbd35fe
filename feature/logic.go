package feature

// LogicVersion names the arithmetic: it changes with any change of what a close publishes for the same flows. Two
// owners with the same version must publish equal rows; with different ones, the first to publish stands.
const LogicVersion = "1"
