package kafka

// budget is how Config.Memory is divided: one half for records that wait in the queues of the partitions, one half
// for fetches in flight or buffered in the client.
type budget struct {
	queues     int64 // bytes of waiting records, all partitions together
	fetches    int   // fetches in flight or buffered at a time
	fetchBytes int32 // of one fetch, as sent
	partBytes  int32 // of one partition in one fetch, as sent
	batchBytes int   // of one batch, decompressed; a larger one is a fault of the record
}

const (
	// maxFetches is the number of brokers that can be read at the same time; more take turns.
	maxFetches = 8
	// inflation is how much a fetch may grow in the client: its bytes as sent, and up to seven times as many
	// decompressed. JSON logs in zstd take 5 to 7. Batches that grow more are bounded one by one.
	inflation = 8
)

func split(memory int64) budget {
	fetch := memory / 2 / maxFetches / inflation
	return budget{
		queues:     memory / 2,
		fetches:    maxFetches,
		fetchBytes: int32(min(fetch, 32<<20)),
		partBytes:  int32(min(fetch, 32<<20) / 2),
		batchBytes: int(min(memory/4, 1<<30)),
	}
}
