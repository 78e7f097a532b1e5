// An OpenID Connect provider on loopback: node tests/servers/oidc_provider.mjs SETTINGS, where SETTINGS is a JSON text with
// port, clients and accounts. It says "ready" when it listens. Its own forms take any password for a known account.
import Provider from "oidc-provider";

const { port, clients, accounts } = JSON.parse(process.argv[2]);

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients,
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "preferred_username"] },
  features: { devInteractions: { enabled: true } },
  async findAccount(_context, id) {
    return accounts[id] && { accountId: id, claims: async () => ({ sub: id, ...accounts[id] }) };
  },
});

provider.listen(port, "127.0.0.1", () => console.log("ready"));
