import com.cloudhopper.commons.charset.CharsetUtil;
import com.cloudhopper.smpp.*;
import com.cloudhopper.smpp.impl.*;
import com.cloudhopper.smpp.pdu.*;
import com.cloudhopper.smpp.type.*;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/** ch-smpp as a carrier: it takes texts, says what it read, reports them as delivered, and passes on one text. */
public final class CloudhopperServer {
    private static final AtomicInteger count = new AtomicInteger(0x10000);
    private static final ExecutorService later = Executors.newSingleThreadExecutor();

    private static final class Handler extends DefaultSmppSessionHandler {
        private final SmppSession session;
        private final Errand errand;

        Handler(SmppSession session, Errand errand) {
            this.session = session;
            this.errand = errand;
        }

        public PduResponse firePduRequestReceived(PduRequest request) {
            PduResponse response = request.createResponse();
            if (request instanceof SubmitSm) {
                SubmitSm submit = (SubmitSm) request;
                String id = Integer.toHexString(count.incrementAndGet());
                ((SubmitSmResp) response).setMessageId(id);
                read(submit);
                later.submit(() -> report(submit, id));
            } else if (request instanceof Unbind) {
                Errand.judge(true, "unbind", "");
            } else if (request instanceof EnquireLink) {
                Errand.judge(true, "enquire_link", "");
            }
            return response;
        }

        private void read(SubmitSm submit) {
            byte[] octets = submit.getShortMessage();
            int part = 1;
            if ((submit.getEsmClass() & 0x40) != 0) {
                part = octets[octets[0]];
                octets = java.util.Arrays.copyOfRange(octets, octets[0] + 1, octets.length);
            }
            String text = CharsetUtil.decode(octets,
                    submit.getDataCoding() == 8 ? CharsetUtil.CHARSET_UCS_2 : CharsetUtil.CHARSET_GSM);
            System.out.printf("{\"read\": {\"to\": \"%s\", \"text\": \"%s\", \"part\": %d}}%n",
                    submit.getDestAddress().getAddress(), text, part);
            System.out.flush();
        }

        private Void report(SubmitSm submit, String id) throws Exception {
            Thread.sleep(100);
            DeliverSm receipt = deliver(submit, 4, String.format(
                    "id:%s sub:001 dlvrd:001 submit date:2601010000 done date:2601010000 stat:DELIVRD err:000 text:", id));
            session.sendRequestPdu(receipt, 5000, false);
            if (submit.getDestAddress().getAddress().equals(errand.get("plain_to"))) {
                session.sendRequestPdu(deliver(submit, 0, errand.get("inbound")), 5000, false);
            }
            return null;
        }

        private DeliverSm deliver(SubmitSm submit, int esmClass, String text) throws Exception {
            DeliverSm deliver = new DeliverSm();
            deliver.setEsmClass((byte) esmClass);
            deliver.setSourceAddress(submit.getDestAddress());
            deliver.setDestAddress(submit.getSourceAddress());
            deliver.setShortMessage(CharsetUtil.encode(text, CharsetUtil.CHARSET_GSM));
            return deliver;
        }
    }

    public static void main(String[] arguments) throws Exception {
        Errand errand = new Errand(arguments);
        SmppServerConfiguration settings = new SmppServerConfiguration();
        settings.setPort(errand.number("port"));
        settings.setBindTimeout(5000);
        settings.setDefaultWindowSize(10);
        settings.setNonBlockingSocketsEnabled(true);
        DefaultSmppServer server = new DefaultSmppServer(settings, new SmppServerHandler() {
            public void sessionBindRequested(Long id, SmppSessionConfiguration asked, BaseBind bind) throws SmppProcessingException {
                boolean ok = asked.getSystemId().equals(errand.get("system_id")) && asked.getPassword().equals(errand.get("password"));
                Errand.judge(ok, "bind_transceiver", asked.getType());
                if (!ok) {
                    throw new SmppProcessingException(SmppConstants.STATUS_INVPASWD);
                }
            }

            public void sessionCreated(Long id, SmppServerSession session, BaseBindResp response) {
                session.serverReady(new Handler(session, errand));
            }

            public void sessionDestroyed(Long id, SmppServerSession session) {
                session.destroy();
            }
        }, Executors.newCachedThreadPool());
        server.start();
        System.out.println("{\"ready\": true}");
        System.out.flush();
    }
}
