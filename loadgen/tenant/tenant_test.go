package tenant_test

import (
	"crypto/x509"
	"encoding/pem"
	"math"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/retailflow/stampede/loadgen/model"
	"github.com/retailflow/stampede/loadgen/tenant"
	"github.com/retailflow/stampede/reference/api"
)

func population(t *testing.T, o tenant.Options) []tenant.Tenant {
	tenants, err := tenant.New(o)
	require.NoError(t, err)
	return tenants
}

func TestGolden(t *testing.T) {
	tenants := population(t, tenant.Options{Seed: 42})
	require.Len(t, tenants, 2400)
	first := tenants[0]
	require.InDelta(t, 4.588170997888548e-05, first.Size, 1e-12)
	first.Size = 0
	require.Equal(t, tenant.Tenant{ID: "t0001", Name: "Quizzical Wolf Supply", Platform: tenant.Shopify, Kind: "retail",
		Zone: "America/New_York", Currency: "USD", Country: "US", Tier: tenant.Starter, Shop: "t0001.example.com",
		WebhookSecret: "401cc8ec2c6baaf7a0ed5e9dd46a8360", APIKey: "724aed984a10a497163aa75adea6e5869e74fae0"}, first)
	require.Equal(t, "t2400", tenants[2399].ID)
}

func TestPopulation(t *testing.T) {
	tenants := population(t, tenant.Options{Seed: 9})
	require.Equal(t, tenants, population(t, tenant.Options{Seed: 9, Count: 2400, Sizes: tenant.Sizes{Sigma: 1.5}}), "same seed, same tenants")

	sum, keys, platforms, tiers, offsets, currencies, kinds := 0.0, map[string]bool{}, map[tenant.Platform]int{}, map[tenant.Tier]int{}, map[int]int{}, map[string]int{}, map[string]int{}
	for i, one := range tenants {
		require.Equal(t, i, one.Index)
		require.Regexp(t, regexp.MustCompile(`^t\d{4}$`), one.ID)
		require.Equal(t, one.ID+".example.com", one.Shop)
		if one.Platform != tenant.Magento {
			require.Regexp(t, regexp.MustCompile(`^[0-9a-f]{32}$`), one.WebhookSecret)
			require.False(t, keys[one.WebhookSecret], "the secret of %s is another's too", one.ID)
			keys[one.WebhookSecret] = true
		}
		require.Regexp(t, regexp.MustCompile(`^[0-9a-f]{40}$`), one.APIKey)
		require.True(t, api.ValidCurrency(one.Currency))
		require.False(t, keys[one.APIKey], "the key of %s is another's too", one.ID)
		keys[one.APIKey] = true
		_, offset := api.ID{}.Time().In(one.Location()).Zone()
		offsets[(offset%3600+3600)%3600/60]++
		sum += one.Size
		platforms[one.Platform]++
		tiers[one.Tier]++
		currencies[one.Currency]++
		kinds[one.Kind]++
	}
	require.InDelta(t, 1, sum, 1e-9)
	require.InDelta(t, 0.20, float64(kinds["bulk"])/2400, 0.03)
	require.Len(t, kinds, 2)
	require.InDelta(t, 0.45, float64(platforms[tenant.Shopify])/2400, 0.04)
	require.Len(t, platforms, 4)
	require.Len(t, tiers, 3)
	require.NotZero(t, offsets[30]+offsets[45], "zones off the full hour: %v", offsets)
	for _, c := range []string{"JPY", "KWD", "GBP"} {
		require.NotZero(t, currencies[c], c)
	}
	other := population(t, tenant.Options{Seed: 10})
	require.NotEqual(t, tenants[0].APIKey, other[0].APIKey)
}

func TestSizes(t *testing.T) {
	top := func(tenants []tenant.Tenant, share float64) float64 {
		sizes := tenant.Weights(tenants)
		slices.Sort(sizes)
		slices.Reverse(sizes)
		sum := 0.0
		for _, s := range sizes[:int(share*float64(len(sizes)))] {
			sum += s
		}
		return sum
	}
	// Of a lognormal of sigma 1.5 the top share q has the share 1 - Φ(Φ⁻¹(1-q) - 1.5).
	tenants := population(t, tenant.Options{Seed: 1})
	for q, z := range map[float64]float64{0.01: 2.3263, 0.05: 1.6449, 0.10: 1.2816, 0.20: 0.8416} {
		want := 0.5 * math.Erfc((z-1.5)/math.Sqrt2)
		require.InDelta(t, want, top(tenants, q), 0.06, "top %v", q)
	}
	zipf := population(t, tenant.Options{Seed: 1, Sizes: tenant.Sizes{Zipf: 0.99}})
	require.Greater(t, top(zipf, 0.01), 0.4)
	require.NotEqual(t, slices.Max(tenant.Weights(zipf)), zipf[0].Size, "the first id is not the largest by rule")
}

func TestWebhookWeights(t *testing.T) {
	tenants := population(t, tenant.Options{Seed: 1})
	w := tenant.WebhookWeights(tenants)
	for i := range tenants {
		share := 1.0
		if tenants[i].Platform == tenant.Magento {
			share = 0.05
		}
		require.InDelta(t, share*tenants[i].Size, w[i], 1e-12, tenants[i].ID)
	}
}

// Whoever verifies has the public half alone; the key pair is the seed's.
func TestSigningKey(t *testing.T) {
	seen := map[string]bool{}
	for _, seed := range []uint64{1, 1, 2} {
		for _, one := range population(t, tenant.Options{Seed: seed, Count: 60}) {
			if one.Platform != tenant.Magento {
				require.Nil(t, one.SigningKey)
				continue
			}
			block, rest := pem.Decode([]byte(one.WebhookSecret))
			require.Empty(t, rest)
			require.Equal(t, "PUBLIC KEY", block.Type)
			public, err := x509.ParsePKIXPublicKey(block.Bytes)
			require.NoError(t, err)
			require.True(t, one.SigningKey.PublicKey.Equal(public))
			require.Equal(t, 2048, one.SigningKey.N.BitLen())
			require.NoError(t, one.SigningKey.Validate())
			seen[one.WebhookSecret] = true
		}
	}
	require.Len(t, seen, 2)
}

// What is enough to plan with is the same population, but nothing that takes long to find.
func TestDrawLacksTheSigningKeyAlone(t *testing.T) {
	o := tenant.Options{Seed: 3, Count: 80}
	drawn, err := tenant.Draw(o)
	require.NoError(t, err)
	whole, magento := population(t, o), 0
	for i := range whole {
		if whole[i].Platform == tenant.Magento {
			require.NotNil(t, whole[i].SigningKey)
			require.NotEmpty(t, whole[i].WebhookSecret)
			whole[i].SigningKey, whole[i].WebhookSecret = nil, ""
			magento++
		}
	}
	require.NotZero(t, magento)
	require.Equal(t, whole, drawn)
}

// Nothing of a population stands in this package: another model makes another one.
func TestPopulationIsTheModels(t *testing.T) {
	p, err := model.Default()
	require.NoError(t, err)
	p.Population = model.Population{Count: 30, SizeSigma: 0.001,
		Platforms: []model.Share{{Name: "custom", Weight: 1}}, Kinds: []model.Share{{Name: "bulk", Weight: 2}},
		Regions: []model.Region{{Zone: "Asia/Tokyo", Currency: "JPY", Country: "JP", Weight: 3}}}
	tenants := population(t, tenant.Options{Model: p})
	require.Len(t, tenants, 30)
	for _, one := range tenants {
		require.Equal(t, [5]string{"custom", "bulk", "Asia/Tokyo", "JPY", "JP"}, [5]string{string(one.Platform), one.Kind, one.Zone, one.Currency, one.Country})
		require.InEpsilon(t, 1.0/30, one.Size, 0.01)
	}
	p.Population.Platforms[0].Name, p.Population.Regions[0].Zone = "fax", "Asia/Nowhere"
	_, err = tenant.Draw(tenant.Options{Model: p})
	require.ErrorContains(t, err, `platform "fax"`)
	require.ErrorContains(t, err, `zone "Asia/Nowhere"`)
}

func BenchmarkDraw(b *testing.B) {
	for _, n := range []int{60, 2400} {
		b.Run("tenants="+strconv.Itoa(n), func(b *testing.B) {
			for b.Loop() {
				if _, err := tenant.Draw(tenant.Options{Seed: 1, Count: n}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestFaults(t *testing.T) {
	_, err := tenant.New(tenant.Options{Count: 10000, Sizes: tenant.Sizes{Sigma: math.NaN(), Zipf: -1}})
	for _, want := range []string{"tenants 10000", "sigma NaN", "zipf -1"} {
		require.ErrorContains(t, err, want)
	}
	_, err = tenant.New(tenant.Options{Sizes: tenant.Sizes{Sigma: 1, Zipf: 1}})
	require.ErrorContains(t, err, "exclude each other")
	_, err = tenant.New(tenant.Options{Sizes: tenant.Sizes{Equal: true, Zipf: 1}})
	require.ErrorContains(t, err, "exclude each other")
	for _, one := range population(t, tenant.Options{Seed: 1, Count: 40, Sizes: tenant.Sizes{Equal: true}}) {
		require.InDelta(t, 1.0/40, one.Size, 1e-12)
	}
}
