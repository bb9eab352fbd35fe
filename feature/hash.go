package feature

// Fnv1a64 is the 64-bit FNV-1a hash of b.
func Fnv1a64[T []byte | string](b T) uint64 {
	h := uint64(0xcbf29ce484222325)
	for i := 0; i < len(b); i++ {
		h = (h ^ uint64(b[i])) * 0x100000001b3
	}
	return h
}

// Fmix64 is the finalizer of MurmurHash3 for 64 bits.
func Fmix64(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// Hash is the one hash by which things are routed and owned: Fmix64(Fnv1a64(b)).
func Hash[T []byte | string](b T) uint64 { return Fmix64(Fnv1a64(b)) }

// ShardOf is the shard of a host: the hash of its 16-byte address, modulo the number of shards.
func ShardOf(host Addr, shards int) int {
	b := host.As16()
	return int(Hash(b[:]) % uint64(shards))
}
