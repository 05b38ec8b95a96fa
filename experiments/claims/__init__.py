"""The seed report's claims as small studies: `claims.toml` says them, `claim` reads them, `study` runs them, `page` tells what came of them."""
