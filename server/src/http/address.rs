//! Who is calling: the peer's address, or what a trusted proxy says of it.

use http::HeaderMap;
use std::net::IpAddr;
use std::str::FromStr;

/// Addresses and networks, such as those of trusted proxies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks(Vec<Network>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    prefix_bits: u32,
}

/// The text is no list of addresses and networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be addresses or networks separated by commas, such as 127.0.0.1, 10.0.0.0/8")]
pub struct NetworksInvalid;

impl Networks {
    /// Whether one of the networks holds the address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(address))
    }
}

impl Network {
    fn contains(self, address: IpAddr) -> bool {
        let bits = |address: IpAddr| match address {
            IpAddr::V4(v4) => (u128::from(v4.to_bits()) << 96, 32),
            IpAddr::V6(v6) => (v6.to_bits(), 128),
        };
        let ((mine, width), (theirs, their_width)) = (bits(self.address), bits(address));
        let mask = if self.prefix_bits == 0 { 0 } else { u128::MAX << (128 - self.prefix_bits) };
        width == their_width && mine & mask == theirs & mask
    }
}

impl FromStr for Networks {
    type Err = NetworksInvalid;
    fn from_str(text: &str) -> Result<Self, NetworksInvalid> {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        entries.map(network).collect::<Option<_>>().map(Self).ok_or(NetworksInvalid)
    }
}

fn network(entry: &str) -> Option<Network> {
    let (address, prefix) = entry.split_once('/').map_or((entry, None), |(address, bits)| (address, Some(bits)));
    let address: IpAddr = address.parse().ok()?;
    let width = if address.is_ipv4() { 32 } else { 128 };
    let prefix_bits = prefix.map_or(Some(width), |bits| bits.parse().ok())?;
    (prefix_bits <= width).then_some(Network { address, prefix_bits })
}

/// The caller's address: the peer's, or, if the peer is a trusted proxy, the last one of `X-Forwarded-For` that is
/// not itself a trusted proxy. Earlier entries are the caller's own claim and never believed.
#[must_use]
pub fn caller(peer: IpAddr, headers: &HeaderMap, trusted: &Networks) -> IpAddr {
    let peer = peer.to_canonical();
    if !trusted.contains(peer) {
        return peer;
    }
    let lines = headers.get_all("x-forwarded-for");
    let hops: Vec<&str> = lines.iter().filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(',')).collect();
    let mut caller = peer;
    for hop in hops.into_iter().rev() {
        let Ok(address) = hop.trim().parse::<IpAddr>() else { return caller };
        caller = address.to_canonical();
        if !trusted.contains(caller) {
            return caller;
        }
    }
    caller
}

/// Whether a trusted proxy says that the caller came by TLS.
#[must_use]
pub fn is_forwarded_https(peer: IpAddr, headers: &HeaderMap, trusted: &Networks) -> bool {
    trusted.contains(peer) && headers.get("x-forwarded-proto").is_some_and(|proto| proto == "https")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller_of(peer: &str, forwarded: &[&str], trusted: &str) -> String {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        caller(peer.parse().unwrap(), &headers, &trusted.parse().unwrap()).to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        assert_eq!(caller_of("192.0.2.1", &["198.51.100.7"], ""), "192.0.2.1");
        assert_eq!(caller_of("192.0.2.1", &["198.51.100.7"], "192.0.2.0/24"), "198.51.100.7");
        assert_eq!(caller_of("192.0.2.1", &["6.6.6.6, 198.51.100.7", "192.0.2.9"], "192.0.2.0/24"), "198.51.100.7");
        assert_eq!(caller_of("192.0.2.1", &["6.6.6.6, nonsense"], "192.0.2.0/24"), "192.0.2.1");
        assert_eq!(caller_of("192.0.2.1", &[], "0.0.0.0/0"), "192.0.2.1");
        assert_eq!(caller_of("::ffff:192.0.2.1", &["2001:db8::1"], "192.0.2.1"), "2001:db8::1");
    }

    #[test]
    fn networks_are_read_strictly() {
        for wrong in ["x", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0/8", "::/129"] {
            assert_eq!(wrong.parse::<Networks>(), Err(NetworksInvalid), "{wrong}");
        }
    }
}
