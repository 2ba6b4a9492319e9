// Calls one method of particle-api-js as a program would, and prints what the
// program gets: node sdk.js METHOD OPTIONS. SDK is the module, CLOUD the URL,
// TOKEN who calls.
'use strict';

const module_ = require(process.env.SDK);
const Particle = module_.default || module_;
const particle = new Particle({ baseUrl: process.env.CLOUD });

function print(what, value) {
	console.log(what, typeof value === 'string' ? value : JSON.stringify(value));
}

// hear prints the first event of a stream that the program can tell apart.
function hear(stream) {
	return new Promise((resolve, reject) => {
		stream.on('error', reject);
		stream.on('event', (e) => {
			print('event', { name: e.name, data: e.data, ttl: e.ttl, coreid: e.coreid, published_at: e.published_at });
			resolve();
		});
	});
}

// main calls the method. A login with an otp goes on with sendOtp, as a program
// does when it is told that there is a second factor.
async function main(method, { otp, ...options }) {
	const auth = ['login', 'sendOtp', 'deleteAccessToken'].includes(method) ? {} : { auth: process.env.TOKEN };
	try {
		const { code, ...rest } = options;
		const answer = await particle[method](Object.assign(auth, rest, code && { otp: code }));
		if (method === 'getEventStream') {
			await hear(answer);
		} else {
			print('status', answer.statusCode);
			print('body', answer.body);
		}
	} catch (e) {
		print('message', e.message);
		print('status', e.statusCode === undefined ? null : e.statusCode);
		// The SDK adds its own view of the response to the server's body.
		const { response, ...body } = e.body || {};
		if (otp && body.mfa_token) {
			print('body', { ...body, mfa_token: 'TOKEN' });
			return main('sendOtp', { mfaToken: body.mfa_token, code: otp });
		}
		print('body', body);
		process.exitCode = 1;
	}
	process.exit();
}

main(process.argv[2], JSON.parse(process.argv[3] || '{}'));
