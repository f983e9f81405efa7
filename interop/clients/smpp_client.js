// smpp, the SMPP implementation of npm that most Node.js applications use.
'use strict';
const smpp = require(process.argv[3] + '/smpp');
const errand = JSON.parse(process.argv[2]);

const say = (line) => process.stdout.write(JSON.stringify(line) + '\n');
const did = (capability, detail = '') => say({ did: capability, detail: String(detail).slice(0, 200) });
const failed = (capability, detail) => say({ failed: capability, detail: JSON.stringify(detail).slice(0, 300) });
const judge = (ok, capability, detail) => (ok ? did : failed)(capability, detail);

const texts = [];
const receipts = [];
const session = smpp.connect({ url: `smpp://${errand.host}:${errand.port}`, auto_enquire_link_period: 10000 });
session.on('error', (error) => failed('connection', error.message));
session.on('deliver_sm', (pdu) => {
  const text = pdu.short_message.message;
  (pdu.esm_class & 4 ? receipts : texts).push(text);
  session.send(pdu.response());
});

const ask = (command, fields) => new Promise((resolve) => session[command](fields, resolve));
const until = async (condition) => {
  const deadline = Date.now() + errand.patience_s * 1000;
  while (!condition() && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50));
  return condition();
};
const addresses = (to) => ({
  source_addr: errand.sender, source_addr_ton: 1, source_addr_npi: 1,
  destination_addr: to, dest_addr_ton: 1, dest_addr_npi: 1, registered_delivery: 1,
});

async function run() {
  const bound = await ask('bind_transceiver', { system_id: errand.system_id, password: errand.password });
  judge(bound.command_status === 0, 'bind_transceiver', bound.command_status);
  const ids = [];
  for (const name of ['plain', 'unicode']) {
    const sent = await ask('submit_sm', { ...addresses(errand[name + '_to']), short_message: errand[name] });
    judge(sent.command_status === 0 && sent.message_id, name, sent.message_id || sent.command_status);
    ids.push(sent.message_id);
  }
  const long = await ask('submit_sm', { ...addresses(errand.long_to), message_payload: errand.long });
  judge(long.command_status === 0 && long.message_id, 'long', 'message_payload');
  ids.push(long.message_id);
  judge(await until(() => ids.every((id) => receipts.some((text) => text.includes(id)))), 'receipt', receipts);
  say({ waiting: 'inbound' });
  judge(await until(() => texts.includes(errand.inbound)), 'inbound', texts);
  const state = await ask('query_sm', { message_id: ids[0], source_addr: errand.sender, source_addr_ton: 1, source_addr_npi: 1 });
  judge(state.command_status === 0 && state.message_state === 2, 'query_sm', `message_state ${state.message_state}`);
  const later = await ask('submit_sm', {
    ...addresses(errand.plain_to), short_message: 'never', schedule_delivery_time: new Date(Date.now() + 3600e3),
  });
  const canceled = await ask('cancel_sm', { message_id: later.message_id, ...addresses(errand.plain_to) });
  judge(canceled.command_status === 0, 'cancel_sm', canceled.command_status);
  const multi = await ask('submit_multi', {
    source_addr: errand.sender, source_addr_ton: 1, source_addr_npi: 1, registered_delivery: 0, short_message: errand.multi,
    dest_address: errand.multi_to.map((to) => ({ dest_flag: 1, dest_addr_ton: 1, dest_addr_npi: 1, destination_addr: to })),
  });
  judge(multi.command_status === 0, 'submit_multi', multi.command_status);
  const alive = await ask('enquire_link', {});
  judge(alive.command_status === 0, 'enquire_link', '');
  const gone = await ask('unbind', {});
  judge(gone.command_status === 0, 'unbind', '');
  session.close();
}

session.on('connect', () => run().then(() => process.exit(0), (error) => { failed('run', error.message); process.exit(1); }));
