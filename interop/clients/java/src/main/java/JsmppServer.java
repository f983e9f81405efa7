import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.jsmpp.PDUStringException;
import org.jsmpp.SMPPConstant;
import org.jsmpp.bean.*;
import org.jsmpp.extra.ProcessRequestException;
import org.jsmpp.session.*;
import org.jsmpp.util.MessageId;

/** jsmpp as a carrier: it takes texts, says what it read, reports them as delivered, and passes on one text. */
public final class JsmppServer {
    private static final AtomicInteger count = new AtomicInteger(0x10000);
    private static final ExecutorService later = Executors.newSingleThreadExecutor();

    private static final class Receiver {
        private final Errand errand;

        Receiver(Errand errand) {
            this.errand = errand;
        }

        /** Only submit_sm is taken; jsmpp answers the rest with the refusal. */
        ServerMessageReceiverListener listener() {
            return (ServerMessageReceiverListener) Proxy.newProxyInstance(JsmppServer.class.getClassLoader(),
                    new Class<?>[] {ServerMessageReceiverListener.class}, (self, method, given) -> {
                        if (method.getName().equals("onAcceptSubmitSm")) {
                            return onAcceptSubmitSm((SubmitSm) given[0], (SMPPServerSession) given[1]);
                        }
                        throw new ProcessRequestException("not taken", SMPPConstant.STAT_ESME_RINVCMDID);
                    });
        }

        private SubmitSmResult onAcceptSubmitSm(SubmitSm submit, SMPPServerSession session) throws ProcessRequestException {
            String id = Integer.toHexString(count.incrementAndGet());
            byte[] octets = submit.getShortMessage();
            int part = 1;
            if (submit.isUdhi()) {
                part = octets[octets[0]];
                octets = Arrays.copyOfRange(octets, octets[0] + 1, octets.length);
            }
            String text = new String(octets, submit.getDataCoding() == 8 ? StandardCharsets.UTF_16BE : StandardCharsets.ISO_8859_1);
            System.out.printf("{\"read\": {\"to\": \"%s\", \"text\": \"%s\", \"part\": %d}}%n", submit.getDestAddress(), text, part);
            System.out.flush();
            later.submit(() -> report(submit, id, session));
            try {
                return new SubmitSmResult(new MessageId(id), new OptionalParameter[0]);
            } catch (PDUStringException error) {
                throw new ProcessRequestException("id", SMPPConstant.STAT_ESME_RSYSERR);
            }
        }

        private Void report(SubmitSm submit, String id, SMPPServerSession session) throws Exception {
            Thread.sleep(100);
            deliver(submit, session, new ESMClass(4), String.format(
                    "id:%s sub:001 dlvrd:001 submit date:2601010000 done date:2601010000 stat:DELIVRD err:000 text:", id));
            if (submit.getDestAddress().equals(errand.get("plain_to"))) {
                deliver(submit, session, new ESMClass(), errand.get("inbound"));
            }
            return null;
        }

        private void deliver(SubmitSm submit, SMPPServerSession session, ESMClass esm, String text) throws Exception {
            session.deliverShortMessage("", TypeOfNumber.INTERNATIONAL, NumberingPlanIndicator.ISDN, submit.getDestAddress(),
                    TypeOfNumber.INTERNATIONAL, NumberingPlanIndicator.ISDN, submit.getSourceAddr(), esm, (byte) 0, (byte) 0,
                    new RegisteredDelivery(0), DataCodings.ZERO, text.getBytes(StandardCharsets.US_ASCII));
        }
    }

    public static void main(String[] arguments) throws Exception {
        Errand errand = new Errand(arguments);
        SMPPServerSessionListener listener = new SMPPServerSessionListener(errand.number("port"));
        System.out.println("{\"ready\": true}");
        System.out.flush();
        while (true) {
            SMPPServerSession session = listener.accept();
            session.setMessageReceiverListener(new Receiver(errand).listener());
            session.addSessionStateListener((now, before, source) -> {
                if (now == org.jsmpp.extra.SessionState.UNBOUND) {
                    Errand.judge(true, "unbind", "");
                }
            });
            BindRequest bind = session.waitForBind(5000);
            boolean ok = bind.getSystemId().equals(errand.get("system_id")) && bind.getPassword().equals(errand.get("password"));
            Errand.judge(ok, "bind_transceiver", bind.getBindType());
            if (ok) {
                bind.accept("jsmpp");
            } else {
                bind.reject(SMPPConstant.STAT_ESME_RINVPASWD);
            }
        }
    }
}
