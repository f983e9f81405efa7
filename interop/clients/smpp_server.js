// smpp of npm as a carrier: it takes texts, says what it read, reports them as delivered, and passes on one text.
'use strict';
const smpp = require(process.argv[3] + '/smpp');
const errand = JSON.parse(process.argv[2]);
const say = (line) => process.stdout.write(JSON.stringify(line) + '\n');

let count = 0;
const server = smpp.createServer((session) => {
  session.on('error', () => {});
  for (const mode of ['bind_transceiver', 'bind_transmitter', 'bind_receiver']) {
    session.on(mode, (pdu) => {
      const ok = pdu.system_id === errand.system_id && pdu.password === errand.password;
      session.send(pdu.response(ok ? { system_id: 'node-smpp' } : { command_status: smpp.ESME_RBINDFAIL }));
      say(ok ? { did: mode } : { failed: mode, detail: pdu.system_id });
    });
  }
  session.on('enquire_link', (pdu) => { session.send(pdu.response()); say({ did: 'enquire_link' }); });
  session.on('unbind', (pdu) => { session.send(pdu.response()); say({ did: 'unbind' }); });
  session.on('submit_sm', (pdu) => {
    const id = (0x10000 + ++count).toString(16);
    session.send(pdu.response({ message_id: id }));
    const header = Buffer.concat([].concat(pdu.short_message.udh || Buffer.from([1])));
    say({ read: { to: pdu.destination_addr, text: pdu.short_message.message, part: header[header.length - 1] } });
    const stamp = '2601010000';
    session.deliver_sm({
      source_addr: pdu.destination_addr, source_addr_ton: 1, source_addr_npi: 1,
      destination_addr: pdu.source_addr, dest_addr_ton: 1, dest_addr_npi: 1, esm_class: 4,
      short_message: `id:${id} sub:001 dlvrd:001 submit date:${stamp} done date:${stamp} stat:DELIVRD err:000 text:`,
    });
    if (pdu.destination_addr === errand.plain_to) {
      session.deliver_sm({
        source_addr: errand.plain_to, source_addr_ton: 1, source_addr_npi: 1,
        destination_addr: errand.sender, dest_addr_ton: 1, dest_addr_npi: 1, short_message: errand.inbound,
      });
    }
  });
});
server.listen(errand.port, '127.0.0.1', () => say({ ready: true }));
