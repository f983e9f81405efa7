import com.cloudhopper.commons.charset.CharsetUtil;
import com.cloudhopper.commons.util.windowing.WindowFuture;
import com.cloudhopper.smpp.*;
import com.cloudhopper.smpp.impl.*;
import com.cloudhopper.smpp.pdu.*;
import com.cloudhopper.smpp.tlv.Tlv;
import com.cloudhopper.smpp.type.Address;
import com.cloudhopper.smpp.util.DeliveryReceipt;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** ch-smpp (cloudhopper), what most carriers' own Java is built on: a window of requests, receipts parsed strictly. */
public final class CloudhopperClient {
    private static final List<DeliveryReceipt> receipts = new CopyOnWriteArrayList<>();
    private static final List<String> texts = new CopyOnWriteArrayList<>();
    private static final List<String> troubles = new CopyOnWriteArrayList<>();

    private static final class Handler extends DefaultSmppSessionHandler {
        public PduResponse firePduRequestReceived(PduRequest request) {
            if (request instanceof DeliverSm) {
                DeliverSm deliver = (DeliverSm) request;
                String text = CharsetUtil.decode(deliver.getShortMessage(), CharsetUtil.CHARSET_GSM);
                if (deliver.getEsmClass() == SmppConstants.ESM_CLASS_MT_SMSC_DELIVERY_RECEIPT) {
                    try {
                        receipts.add(DeliveryReceipt.parseShortMessage(text, org.joda.time.DateTimeZone.UTC));
                    } catch (Exception error) {
                        troubles.add(error + " in " + text);
                    }
                } else {
                    texts.add(text);
                }
            }
            return request.createResponse();
        }
    }

    private static SubmitSm message(Errand errand, String to, byte coding, byte[] octets) throws Exception {
        SubmitSm submit = new SubmitSm();
        submit.setSourceAddress(new Address((byte) 1, (byte) 1, errand.get("sender")));
        submit.setDestAddress(new Address((byte) 1, (byte) 1, to));
        submit.setRegisteredDelivery(SmppConstants.REGISTERED_DELIVERY_SMSC_RECEIPT_REQUESTED);
        submit.setDataCoding(coding);
        submit.setShortMessage(octets);
        return submit;
    }

    private static void send(SmppSession session, List<String> ids, String capability, SubmitSm submit) throws Exception {
        SubmitSmResp response = session.submit(submit, 5000);
        Errand.judge(response.getCommandStatus() == 0, capability, response.getMessageId());
        ids.add(response.getMessageId());
    }

    public static void main(String[] arguments) throws Exception {
        Errand errand = new Errand(arguments);
        SmppSessionConfiguration settings = new SmppSessionConfiguration();
        settings.setType(SmppBindType.TRANSCEIVER);
        settings.setHost(errand.get("host"));
        settings.setPort(errand.number("port"));
        settings.setSystemId(errand.get("system_id"));
        settings.setPassword(errand.get("password"));
        settings.setWindowSize(10);
        DefaultSmppClient client = new DefaultSmppClient();
        SmppSession session = client.bind(settings, new Handler());
        Errand.judge(session.isBound(), "bind_transceiver", session.getStateName());
        List<String> ids = new ArrayList<>();
        send(session, ids, "plain", message(errand, errand.get("plain_to"), (byte) 0,
                CharsetUtil.encode(errand.get("plain"), CharsetUtil.CHARSET_GSM)));
        send(session, ids, "unicode", message(errand, errand.get("unicode_to"), (byte) 8,
                CharsetUtil.encode(errand.get("unicode"), CharsetUtil.CHARSET_UCS_2)));
        SubmitSm payload = message(errand, errand.get("long_to"), (byte) 0, new byte[0]);
        payload.addOptionalParameter(new Tlv(SmppConstants.TAG_MESSAGE_PAYLOAD,
                CharsetUtil.encode(errand.get("long"), CharsetUtil.CHARSET_GSM)));
        send(session, ids, "long", payload);
        boolean all = errand.until(() -> ids.stream().allMatch(id -> receipts.stream().anyMatch(r -> id.equals(r.getMessageId()))));
        Errand.judge(all, "receipt", troubles.isEmpty() ? receipts.size() + " receipts" : troubles);
        Errand.waiting("inbound");
        Errand.judge(errand.until(() -> texts.contains(errand.get("inbound"))), "inbound", texts);
        QuerySm query = new QuerySm();
        query.setMessageId(ids.get(0));
        query.setSourceAddress(new Address((byte) 1, (byte) 1, errand.get("sender")));
        WindowFuture<Integer, PduRequest, PduResponse> asked = session.sendRequestPdu(query, 5000, true);
        asked.await();
        PduResponse answer = asked.getResponse();
        boolean delivered = answer instanceof QuerySmResp && ((QuerySmResp) answer).getMessageState() == 2;
        Errand.judge(delivered, "query_sm", answer);
        Errand.judge(session.enquireLink(new EnquireLink(), 5000).getCommandStatus() == 0, "enquire_link", "");
        session.unbind(5000);
        Errand.judge(true, "unbind", "");
        session.destroy();
        client.destroy();
        System.exit(0);
    }
}
