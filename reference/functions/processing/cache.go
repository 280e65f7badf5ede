package processing

import (
	"sync"

	"github.com/retailflow/stampede/reference/store/codec"
)

// blockKey names one block by place and bytes, so a block that was rewritten is another block.
type blockKey struct {
	tenant string
	minute int64
	ref    codec.BlockRef // Shard and Done zero
}

func keyOfBlock(tenant string, minute int64, ref codec.BlockRef) blockKey {
	ref.Shard, ref.Done = 0, false
	return blockKey{tenant, minute, ref}
}

// blockCache keeps unpacked blocks of the minutes that are being recomputed every few seconds.
// When the younger half is full it becomes the older one, whose content is dropped unless used.
type blockCache struct {
	most int // bytes of blocks in one half
	mu   struct {
		sync.Mutex
		young, old map[blockKey]codec.Block
		bytes      int // of young
	}
}

func (c *blockCache) get(key blockKey) (codec.Block, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if b, ok := c.mu.young[key]; ok {
		return b, true
	}
	b, ok := c.mu.old[key]
	if ok {
		c.insert(key, b)
	}
	return b, ok
}

func (c *blockCache) put(key blockKey, b codec.Block) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.insert(key, b)
}

func (c *blockCache) insert(key blockKey, b codec.Block) {
	if c.mu.young == nil || c.mu.bytes+b.Size > c.most {
		c.mu.old, c.mu.young, c.mu.bytes = c.mu.young, map[blockKey]codec.Block{}, 0
	}
	if _, ok := c.mu.young[key]; !ok {
		c.mu.bytes += b.Size
	}
	c.mu.young[key] = b
}
