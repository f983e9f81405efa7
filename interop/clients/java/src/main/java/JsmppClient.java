import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jsmpp.bean.*;
import org.jsmpp.extra.ProcessRequestException;
import org.jsmpp.session.*;
import org.jsmpp.util.InvalidDeliveryReceiptException;

/** jsmpp, the SMPP library of Java under Apache Camel. */
public final class JsmppClient {
    private static final TypeOfNumber TON = TypeOfNumber.INTERNATIONAL;
    private static final NumberingPlanIndicator NPI = NumberingPlanIndicator.ISDN;
    private static final List<DeliveryReceipt> receipts = new CopyOnWriteArrayList<>();
    private static final List<String> texts = new CopyOnWriteArrayList<>();

    private static final class Listener implements MessageReceiverListener {
        public void onAcceptDeliverSm(DeliverSm deliver) throws ProcessRequestException {
            if (!deliver.isSmscDeliveryReceipt()) {
                texts.add(new String(deliver.getShortMessage(), StandardCharsets.ISO_8859_1));
                return;
            }
            try {
                receipts.add(deliver.getShortMessageAsDeliveryReceipt());
            } catch (InvalidDeliveryReceiptException error) {
                throw new ProcessRequestException(error.getMessage(), 8);
            }
        }

        public void onAcceptAlertNotification(AlertNotification alert) {}

        public DataSmResult onAcceptDataSm(DataSm data, Session source) throws ProcessRequestException {
            throw new ProcessRequestException("not expected", 8);
        }
    }

    private static String submit(SMPPSession session, Errand errand, String to, ESMClass esm, DataCoding coding, byte[] octets)
            throws Exception {
        return session.submitShortMessage("", TON, NPI, errand.get("sender"), TON, NPI, to, esm, (byte) 0, (byte) 1, null, null,
                new RegisteredDelivery(SMSCDeliveryReceipt.SUCCESS_FAILURE), (byte) 0, coding, (byte) 0, octets).getMessageId();
    }

    public static void main(String[] arguments) throws Exception {
        Errand errand = new Errand(arguments);
        SMPPSession session = new SMPPSession();
        session.setMessageReceiverListener(new Listener());
        session.setTransactionTimer(5000);
        session.connectAndBind(errand.get("host"), errand.number("port"), new BindParameter(BindType.BIND_TRX,
                errand.get("system_id"), errand.get("password"), "", TypeOfNumber.UNKNOWN, NumberingPlanIndicator.UNKNOWN, null));
        Errand.judge(session.getSessionState().isBound(), "bind_transceiver", session.getSessionState());
        List<String> ids = new ArrayList<>();
        ids.add(submit(session, errand, errand.get("plain_to"), new ESMClass(), DataCodings.ZERO,
                errand.get("plain").getBytes(StandardCharsets.US_ASCII)));
        Errand.judge(true, "plain", ids);
        ids.add(submit(session, errand, errand.get("unicode_to"), new ESMClass(), new GeneralDataCoding(Alphabet.ALPHA_UCS2),
                errand.get("unicode").getBytes(StandardCharsets.UTF_16BE)));
        Errand.judge(true, "unicode", ids);
        byte[] octets = errand.get("long").getBytes(StandardCharsets.US_ASCII);
        int total = (octets.length + 152) / 153;
        for (int part = 1; part <= total; part++) {
            int start = (part - 1) * 153;
            int length = Math.min(153, octets.length - start);
            byte[] user = new byte[6 + length];
            System.arraycopy(new byte[] {5, 0, 3, 9, (byte) total, (byte) part}, 0, user, 0, 6);
            System.arraycopy(octets, start, user, 6, length);
            ids.add(submit(session, errand, errand.get("long_to"),
                    new ESMClass(MessageMode.DEFAULT, MessageType.DEFAULT, GSMSpecificFeature.UDHI), DataCodings.ZERO, user));
        }
        Errand.judge(true, "long", total + " submit_sm");
        Errand.judge(errand.until(() -> ids.stream().allMatch(id -> receipts.stream().anyMatch(r -> id.equals(r.getId())))),
                "receipt", receipts);
        Errand.waiting("inbound");
        Errand.judge(errand.until(() -> texts.contains(errand.get("inbound"))), "inbound", texts);
        QuerySmResult state = session.queryShortMessage(ids.get(0), TON, NPI, errand.get("sender"));
        Errand.judge(state.getMessageState() == MessageState.DELIVERED, "query_sm", state.getMessageState());
        Address[] many = java.util.Arrays.stream(errand.get("multi_to").split(","))
                .map(to -> new Address(TON, NPI, to)).toArray(Address[]::new);
        SubmitMultiResult multi = session.submitMultiple("", TON, NPI, errand.get("sender"), many, new ESMClass(), (byte) 0,
                (byte) 1, null, null, new RegisteredDelivery(SMSCDeliveryReceipt.DEFAULT), ReplaceIfPresentFlag.DEFAULT,
                DataCodings.ZERO, (byte) 0, errand.get("multi").getBytes(StandardCharsets.US_ASCII));
        Errand.judge(multi.getUnsuccessDeliveries().length == 0, "submit_multi", multi.getMessageId());
        session.unbindAndClose();
        Errand.judge(true, "unbind", "");
        System.exit(0);
    }
}
